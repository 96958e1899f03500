"""Export: what the journal kept, as samples of SAM3-I's JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from training.engine.tasks import Task
from training.sam3i_json import TEXT_LISTS, Provenance, Sample, Target


def samples(
    tasks: Iterable[Task],
    records: Mapping[str, Mapping[str, Any]],
    layout: str,
    model: str,
) -> list[Sample]:
    """One sample a kept task, in the order of the tasks, so that the same journal gives the same.

    A task without a text for each level is not among them: the official loader can't take it.
    """
    made: list[Sample] = []
    for task in tasks:
        record = records.get(task.key)
        if record is None or not record["kept"]:
            continue
        image = task.image
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
                negative={key: tuple(said) for key, said in record["negative"].items()},
                provenance=Provenance(layout, model, record["rounds"]),
                part=any(a.is_part for a in targets),
            )
        )
    return made
