"""What things are for: one use, ability or property, who has it and how people speak of it."""

from __future__ import annotations

from dataclasses import dataclass

UNNAMED = "unnamed"
"""Stands for things without a name in the lists of kinds."""


@dataclass(frozen=True)
class Purpose:
    """A use or property with three-valued membership of the kinds.

    Attributes:
        name: Unique among all purposes.
        yes: Kinds that everybody would take for it.
        maybe: Kinds that people may argue about; nobody is asked while one of them is in view.
        uses: Verb phrases with a gap for the thing: "cut paper with", "drink from".
        abilities: Verb phrases whose subject is the thing: "hold liquid", "be opened".
        properties: What the thing is: "edible", "round".
        situations: Whole sentences from which the need is understood.
    """

    name: str
    yes: frozenset[str]
    maybe: frozenset[str]
    uses: tuple[str, ...]
    abilities: tuple[str, ...]
    properties: tuple[str, ...]
    situations: tuple[str, ...]

    @property
    def goals(self) -> tuple[str, ...]:
        """The uses without their gap, where that still tells what is needed: "cut paper"."""
        return tuple(
            use[: -len(" with")]
            for use in self.uses
            if use.endswith(" with") and len(use.split()) > 2
        )

    def verdict(self, kind: str | None) -> bool | None:
        """Whether a thing of that kind serves the purpose; None where people would not agree."""
        name = kind or UNNAMED
        return True if name in self.yes else None if name in self.maybe else False


def _split(text: str, mark: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(mark) if part.strip())


def purpose(
    name: str,
    yes: str,
    maybe: str = "",
    use: str = "",
    can: str = "",
    be: str = "",
    tell: str = "",
) -> Purpose:
    """A purpose from lists in one string: kinds are parted by commas, phrases by bars."""
    return Purpose(
        name=name,
        yes=frozenset(_split(yes, ",")),
        maybe=frozenset(_split(maybe, ",")),
        uses=_split(use, "|"),
        abilities=_split(can, "|"),
        properties=_split(be, "|"),
        situations=_split(tell, "|"),
    )
