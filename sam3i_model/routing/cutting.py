"""What was read of a sentence, found again in the sentence as it was said."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from sam3i_model.routing.text import MENDED, MOST_TOKENS, TOKEN, WORD, plain

_SPOKEN = re.compile(rf"{TOKEN.pattern}|&")
_SIGN = re.compile(r"(?:[#$€£@]|(?<!\S)[-+])$")
"""What belongs to a word after it: of "#3", "-80"."""
_END = re.compile(r"[\s\w.,;:!?'\"()\[\]{}<>*`…—–|]")  # noqa: RUF001
"""What doesn't belong to the word before it, as in "C++" and "50%"."""
_PAIRS = (("(", ")"), ("[", "]"), ('"', '"'))


def cut_out(words: Sequence[str], text: str) -> str:
    """What in a cleaned text became those words; "" where that isn't there, in a row.

    Of "is the hatch closed", which is read as "the hatch that is closed", the hatch.
    """
    tokens = [t for t in _SPOKEN.finditer(text) if t[0] == "&" or WORD.match(t[0])][:MOST_TOKENS]
    said = [[t[0]] if t[0] in words else _words(t[0]) for t in tokens]

    def row(wanted: Sequence[str]) -> str:
        """Of several places the last one: a request comes after what else is said."""
        for first in reversed(range(len(tokens))):
            read: list[str] = []
            for last in range(first, len(tokens)):
                read += said[last]
                if len(read) >= len(wanted):
                    break
            if read == list(wanted):
                return _whole(text, tokens[first].start(), tokens[last].end())
        return ""

    found = row(words)
    if found or "that" not in words:
        return found
    thing = words[: words.index("that")]
    asked = any(row([be, *thing]) or row([*thing, be]) for be in ("is", "are"))
    return row(thing) if asked else ""


@lru_cache(1024)
def _words(token: str) -> list[str]:
    """A token as `parts` reads it: "isn't" as "is not"."""
    return ["and"] if token == "&" else [MENDED.get(w, w) for w in plain(token).split()]


def _whole(text: str, start: int, end: int) -> str:
    """With the signs at its words and the other halves of its brackets and quotes."""
    if sign := _SIGN.search(text[:start]):
        start = sign.start()
    end += len(_END.split(text[end:], maxsplit=1)[0])
    for opening, closing in _PAIRS:
        cut = text[start:end]
        there, needed = cut.count(closing), cut.count(opening)
        if there % 2 if opening == closing else there != needed:
            if text.startswith(closing, end):
                end += 1
            else:
                start -= text[:start].endswith(opening)
    quoted = re.search(r"(?:^|\s)'\w", text[start:end])
    return text[start : end + (bool(quoted) and text.startswith("'", end))]
