"""The sources of sentences that training settings can mix."""

from __future__ import annotations

import random
from typing import Any

from training.dataset import Ask, Source
from training.instructions import grammar
from training.instructions.grammar import Query
from training.instructions.triplets import triplets

Objects = list[dict[str, Any]]


def single(ask: Ask) -> Source:
    """A source of one sentence at a time."""
    return lambda objects, rng, size: (ask(objects, rng, size),)


def triplet(objects: Objects, rng: random.Random, size: tuple[int, int]) -> tuple[Query, ...]:
    """A concept, a simple and a complex sentence that mean the same; or, where the scene allows
    none, a simple one alone."""
    found = triplets(objects, rng, size)
    if not found:
        return (grammar.simple(objects, rng, size),)
    return found[0].concept, found[0].simple, found[0].complex


SOURCES: dict[str, Source] = {
    "concept": single(grammar.concept),
    "simple": single(grammar.simple),
    "complex": single(grammar.complex_),
    "triplet": triplet,
}
