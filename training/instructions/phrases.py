"""Noun phrases: what they say and which things they denote."""

from __future__ import annotations

from dataclasses import dataclass

from training.instructions import lexicon
from training.instructions.purposes.purpose import UNNAMED
from training.instructions.things import Scene, Thing
from training.instructions.traits import Trait, verdict


@dataclass(frozen=True, slots=True)
class Phrase:
    """A noun with what stands around it, and what that denotes.

    `kinds` are what the noun means (None: any object, empty: nothing here) and `doubtful` what it
    may mean. `words` stand before the noun, `after` behind it. `free` says the same without an
    article ("something to write with"). `form` is the phrase without its content, for counting.
    """

    noun: str
    kinds: frozenset[str] | None
    doubtful: frozenset[str] = frozenset()
    traits: tuple[Trait, ...] = ()
    words: str = ""
    after: str = ""
    free: str = ""
    form: str = "{noun}"

    def verdict(self, thing: Thing) -> bool | None:
        """Whether a thing is meant; None where careful people may not agree."""
        kinds = self.kinds
        known: bool | None = True
        if kinds is not None and thing.kind not in kinds:
            if (thing.kind or UNNAMED) not in self.doubtful:
                return False
            known = None
        if self.traits:
            found = verdict(thing, self.traits)
            if found is False:
                return False
            known = known and found
        return known if thing.evident else None

    def among(self, scene: Scene) -> list[Thing] | None:
        """The things that are meant; None where that is not clear."""
        meant = []
        for thing in scene:
            found = self.verdict(thing)
            if found:
                meant.append(thing)
            elif found is None:
                return None
        return meant

    @property
    def head(self) -> str:
        """One of them without what follows the noun."""
        return f"pair of {self._bare}" if lexicon.is_pair(self.noun) else self._bare

    @property
    def _bare(self) -> str:
        return f"{self.words} {self.noun}".strip()

    @property
    def one(self) -> str:
        return _joined(self.head, self.after, "is")

    @property
    def many(self) -> str:
        nouns = f"{self.words} {lexicon.plural(self.noun)}".strip()
        pair = lexicon.is_pair(self.noun)
        return _joined(f"pairs of {nouns}" if pair else nouns, self.after, "are")

    @property
    def indefinite(self) -> str:
        return _joined(lexicon.indefinite(self._bare), self.after, "is")

    def be(self, count: int = 1) -> str:
        """The verb that goes with `definite`."""
        return "are" if count != 1 or (lexicon.is_pair(self.noun) and not self.free) else "is"

    def definite(self, count: int = 1) -> str:
        """With its article, for one or for several."""
        if count != 1:
            return f"the {self.many}"
        if self.free:
            return self.free
        if lexicon.is_pair(self.noun):
            return _joined(f"the {self._bare}", self.after, "are")
        return f"the {self.one}"


def _joined(noun: str, after: str, be: str) -> str:
    return f"{noun} {after.replace('{be}', be)}" if after else noun
