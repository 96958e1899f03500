"""Export: what the journal kept, as samples of SAM3-I's JSON."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from training.annotations.sam3i_json import TEXT_LISTS, Provenance, Sample, Target
from training.engine.tasks import Task


def samples(
    tasks: Sequence[Task],
    records: Mapping[str, Mapping[str, Any]],
    layout: str,
    model: str,
) -> list[Sample]:
    """One sample a kept task, in the order of the tasks, so that the same journal gives the same.

    A task without a text for each level is not among them: the official loader can't take it. What
    denotes nothing in its picture goes to the first that is.
    """
    left = _left_over(tasks, records)
    made: list[Sample] = []
    for task in tasks:
        record = records.get(task.key)
        if record is None or not record["kept"]:
            continue
        image = task.image
        negative = _joined(record["negative"], *left.pop(image.id, ()))
        targets = [a for a in image.annotations if a.id in task.targets]
        made.append(
            Sample(
                id=len(made) + 1,
                file_name=image.file_name,
                width=image.width,
                height=image.height,
                texts={key: tuple(record["texts"][key]) for key in TEXT_LISTS},
                targets=tuple(Target.of(a.mask(image.height, image.width)) for a in targets),
                granularity=task.granularity,
                negative=negative,
                provenance=Provenance(layout, model, record["rounds"]),
                part=any(a.is_part for a in targets),
            )
        )
    return made


def _left_over(
    tasks: Iterable[Task], records: Mapping[str, Mapping[str, Any]]
) -> dict[int, list[Mapping[str, Any]]]:
    """By picture, the negative texts of its tasks that were not kept."""
    found: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for task in tasks:
        record = records.get(task.key)
        if record is not None and not record["kept"] and record["negative"]:
            found[task.image.id].append(record["negative"])
    return found


def _joined(*negative: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """Lists by level, each text once."""
    said = {key: [text for one in negative for text in one.get(key, ())] for key in TEXT_LISTS}
    return {key: tuple(dict.fromkeys(texts)) for key, texts in said.items() if texts}
