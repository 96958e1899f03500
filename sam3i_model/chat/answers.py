"""From what a language model said to values that can be trusted in kind, number and size."""

from __future__ import annotations

import json
from typing import Any

MAX_NESTING_TRIES = 50


def find_object(text: str) -> dict[str, Any]:
    """The first JSON object in an answer, whatever is said around it.

    Raises:
        ValueError: There is none.
    """
    said = text.rpartition("</think>")[2]
    decoder = json.JSONDecoder()
    start = said.find("{")
    for _ in range(MAX_NESTING_TRIES):
        if start < 0:
            break
        try:
            found, _ = decoder.raw_decode(said, start)
        except (ValueError, RecursionError):
            start = said.find("{", start + 1)
            continue
        return dict(found)
    raise ValueError("there is no JSON object in it")


def texts(answer: dict[str, Any], key: str, most: int, length: int) -> tuple[str, ...]:
    """Up to `most` different sentences of at most `length` characters under `key`.

    Raises:
        ValueError: There is no list of texts, or one is too long or has half a character.
    """
    value = answer.get(key)
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(f'"{key}" must be a list of texts')
    if any("\ud800" <= character <= "\udfff" for item in value for character in item):
        raise ValueError(f'a text of "{key}" has half a character, which no file takes')
    cleaned = [" ".join(item.split()) for item in value]
    if any(len(item) > length for item in cleaned):
        raise ValueError(f'a text of "{key}" has more than {length} characters')
    return tuple(dict.fromkeys(item for item in cleaned if item))[:most]


def numbers(answer: dict[str, Any], key: str, last: int) -> frozenset[int]:
    """Whole numbers 1 to `last` under `key`, possibly none.

    Raises:
        ValueError: There is no list of such numbers.
    """
    value = answer.get(key)
    if not isinstance(value, list) or any(
        isinstance(item, bool) or not isinstance(item, int) or not 1 <= item <= last
        for item in value
    ):
        raise ValueError(f'"{key}" must be a list of numbers from 1 to {last}')
    return frozenset(value)


def truth(answer: dict[str, Any], key: str) -> bool:
    """True or false under `key`.

    Raises:
        ValueError: There is neither.
    """
    value = answer.get(key)
    if not isinstance(value, bool):
        raise ValueError(f'"{key}" must be true or false')
    return value
