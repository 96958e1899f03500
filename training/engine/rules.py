"""What is wrong with a text can often be seen without asking anybody."""

from __future__ import annotations

import re

GIVEAWAYS = re.compile(
    r"\b(outlin|highlight|overlay|annotat|segmentation|(second|third) (picture|image))",
    re.IGNORECASE,
)
"""Words that speak of what the writer was shown rather than of the scene."""
MAX_LENGTH = 160
"""Characters; about what SAM 3's 32 tokens hold."""
LEAST_WORDS = {"concept": 1, "simple_query": 2, "complex_query": 3}
MOST_CONCEPT_WORDS = 6
_WORD = re.compile(r"[a-z]{3,}")


def fault(level: str, text: str, name: str) -> str | None:
    """Why a text of a level is none, in a few words; None if nothing speaks against it.

    `name` is the class of the targets: a complex text must not name it.
    """
    count = len(text.split())
    if GIVEAWAYS.search(text):
        return "speaks of the marks"
    if len(text) > MAX_LENGTH:
        return "too long"
    if count < LEAST_WORDS[level]:
        return "too short"
    if level == "concept" and count > MOST_CONCEPT_WORDS:
        return "is no bare noun phrase"
    if level == "complex_query" and _names(text, name):
        return "names the thing"
    return None


def _names(text: str, name: str) -> bool:
    """Whether the class's last word, which is its noun, is in the text, in either number."""
    thing = name.lower().split(" of the ")[0]
    nouns = _WORD.findall(thing)
    if not nouns:
        return False
    noun = nouns[-1]
    singular = noun[:-1] if noun.endswith("s") and not noun.endswith("ss") else noun
    forms = {noun, singular, f"{singular}s", f"{singular}es"}
    return not forms.isdisjoint(_WORD.findall(text.lower()))
