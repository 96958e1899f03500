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


def wrapped(text: str, rng: Random, many: bool, share: float) -> str:
    """A share of the noun phrases as requests, the rest as they are."""
    draw = rng.random()
    if draw >= share or text.split(" ", 1)[0] in _SENTENCES:
        return text
    draw /= share
    if draw < 0.6:
        tails = requests.AFTER_VERB
        polite = f"{rng.choice(requests.POLITE)} " if rng.random() < 0.35 else ""
        text = f"{polite}{rng.choice(requests.VERBS)} {text}"
    elif draw < 0.72:
        tails = requests.AFTER
        text = (requests.WHERE_MANY if many else requests.WHERE_ONE).format(x=text)
    elif draw < 0.86:
        tails = requests.AFTER
        text = rng.choice(requests.REQUESTS).format(x=text)
    else:
        return f"{text} {rng.choice(requests.AFTER)}"
    return f"{text} {rng.choice(tails)}" if rng.random() < 0.15 else text
