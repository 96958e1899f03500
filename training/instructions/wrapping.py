"""Turning what is wanted into what a person would say to a robot."""

from __future__ import annotations

from random import Random

from training.instructions import requests

_SENTENCES = (
    "what",
    "which",
    "where",
    "is",
    "do",
    "have",
    "how",
    "with",
    "i",
    "we",
    "let",
    "help",
    "get",
    "it",
    "my",
    "so",
    "somebody",
    "to",
    "please",
    "bring",
    "could",
    "show",
    "point",
    "find",
    "give",
    "from",
    "among",
    "pick",
    "of",
    "on",
    "in",
    "behind",
    "between",
    "next",
    "counting",
    "number",
    "not",
    "leave",
    "first",
    "just",
    "only",
)
"""First words of what is no noun phrase, so that nothing goes before it."""


_HANGING = (" with", " from", " in", " on", " of", " by", " to")
_ASKING = tuple(request for request in requests.REQUESTS if "{be}" not in request)
_OF_CERTAIN = tuple(request for request in requests.REQUESTS if "there" not in request)
"""Not "is there the mug"."""
_INDEFINITE = ("a", "an", "any", "something", "anything")


def wrapped(text: str, rng: Random, be: str | None, share: float) -> str:
    """A share of the noun phrases as requests, the rest as they are.

    `be` is the verb that agrees with what is asked for, None where that is not known.
    """
    draw = rng.random()
    if draw >= share or text.split(" ", 1)[0] in _SENTENCES:
        return text
    draw /= share
    if draw < 0.6:
        polite = f"{rng.choice(requests.POLITE)} " if rng.random() < 0.35 else ""
        text, tails = f"{polite}{rng.choice(requests.VERBS)} {text}", requests.AFTER_VERB
    elif draw < 0.72 and be:
        text, tails = requests.WHERE.format(x=text, be=be), requests.AFTER
    elif draw < 0.86:
        certain = text.split(" ", 1)[0] not in _INDEFINITE
        asking = _ASKING if be is None else _OF_CERTAIN if certain else requests.REQUESTS
        text, tails = rng.choice(asking).format(x=text, be=be), requests.AFTER
    else:
        return text if text.endswith(_HANGING) else f"{text} {rng.choice(requests.AFTER)}"
    if text.endswith(_HANGING) or rng.random() > 0.15:
        return text
    return f"{text} {rng.choice(tails)}"
