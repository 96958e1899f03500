"""Names of topics: which one the user means, and which belong to one camera."""

from __future__ import annotations

from collections.abc import Sequence

from training.bags.storage import BagError


def named(wish: str, names: Sequence[str], what: str) -> str:
    """The one of some names that the user names; `what` they are of.

    Raises:
        BagError: It is none of them.
    """
    for name in names:
        if same(name, wish):
            return name
    there = ", ".join(sorted(names)) or "none"
    raise BagError(f"the recording has no {what} topic '{wish}' that can be read; it has: {there}")


def same(name: str, wish: str) -> bool:
    """Whether a topic is the one that the user names."""
    return name.strip("/") == wish.strip("/")


def space_of(name: str) -> str:
    """What stands before a topic's last name: of "/r1/sam3i/segments" "/r1/sam3i"."""
    return name.rpartition("/")[0]


def parts_of(name: str) -> list[str]:
    """Of a topic's name, from the left."""
    return name.strip("/").split("/")


def belongs(parts: Sequence[str], colour: Sequence[str], others: Sequence[Sequence[str]]) -> bool:
    """Whether a topic's name is as near to the colour camera's as to any other camera's.

    Frames don't tell: two cameras may have the same frame_id.
    """
    near = common(parts, colour)
    return not others or (near > 0 and near >= max(common(parts, other) for other in others))


def elsewhere(name: str, colour: Sequence[str], others: Sequence[Sequence[str]]) -> bool:
    """Whether a topic's name is nearer to any other camera's than to the colour camera's."""
    own = parts_of(name)
    return any(common(own, other) > common(own, colour) for other in others)


def common(first: Sequence[str], second: Sequence[str]) -> int:
    """How many parts two names have in common from the left."""
    count = 0
    for a, b in zip(first, second, strict=False):
        if a != b:
            break
        count += 1
    return count
