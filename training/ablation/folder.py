"""What an ablation's folder holds beside its runs: what it was begun with, answers and tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sam3i_model.checkpoints.loading import keep_heads, load, save
from sam3i_model.segmenter import Segmenter
from training.ablation.measuring import AblationError, Measured, fingerprint, parted
from training.ablation.table import as_markdown, cells, records
from training.ablation.variants import Variant
from training.checksum import checksum
from training.evaluation.asking import identity_of
from training.evaluation.thresholds import SENTENCES
from training.files import write_text
from training.loop.settings import Settings
from training.world.pool import WorldPool, records_of

TABLE = "ablation.json"
PAGE = "ablation.md"
BASE = "base"


def base_of(start: str, out: Path) -> str:
    """What all variants start from: a checkpoint without adapters, or else OUT/base, made of it.

    Raises:
        CheckpointError: It can't be loaded.
    """
    model, tokenizer = load(start, "cpu")
    if model.config.adapters == "none":
        return start
    model.remove_adapters()
    save(model, tokenizer, out / BASE)
    keep_heads(start, out / BASE)
    return str(out / BASE)


def identity(start: str, pool: WorldPool, stages: Sequence[Settings]) -> dict[str, Any]:
    """All that the checkpoints of an ablation depend on.

    Raises:
        CheckpointError: The base can't be loaded.
    """
    model, tokenizer = load(start, "cpu")
    model.remove_adapters()
    base = identity_of(Segmenter(model, tokenizer))
    settings = [asdict(stage) for stage in stages]
    scenes = checksum(records_of(pool.folder))
    return {"base": base, "scenes": scenes, "settings": settings}


def agree(out: Path, arguments: Mapping[str, Any]) -> None:
    """Refuse a folder that was begun with something else.

    Raises:
        AblationError: It was, or its file is none of ours.
    """
    if not (out / TABLE).exists():
        return
    try:
        begun = json.loads((out / TABLE).read_text(encoding="utf-8"))["arguments"]
        other = [name for name, value in arguments.items() if begun[name] != value]
    except (ValueError, KeyError, TypeError) as error:
        raise AblationError(f"{out / TABLE} can't be read: name another folder") from error
    if other:
        raise AblationError(
            f"{out} was begun with other {other[0]}: give the same arguments or another folder"
        )


def begin(out: Path, arguments: Mapping[str, Any]) -> None:
    """Note what a folder is begun with."""
    if not (out / TABLE).exists():
        _write(out / TABLE, json.dumps({"arguments": arguments, "variants": []}, indent=1))


class Answers:
    """How variants answered about one pool of scenes, in a folder.

    Args:
        out: The folder.
        pool: The scenes.
    """

    def __init__(self, out: Path, pool: WorldPool) -> None:
        self.out = out
        self.pool = pool
        self.name = f"measured-{fingerprint(pool)}.json"

    def __contains__(self, variant: Variant) -> bool:
        return (self.out / variant.name / self.name).exists()

    def __getitem__(self, variant: Variant) -> dict[str, Measured]:
        """By level.

        Raises:
            AblationError: The file is none of ours.
        """
        path = self.out / variant.name / self.name
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            return {level: Measured(**one) for level, one in content.items()}
        except (ValueError, TypeError, AttributeError) as error:
            raise AblationError(f"{path} can't be read: delete it to measure anew") from error

    def __setitem__(self, variant: Variant, measured: Mapping[str, Measured]) -> None:
        content = {level: asdict(one) for level, one in measured.items()}
        _write(self.out / variant.name / self.name, json.dumps(content))

    def publish(
        self, variants: Iterable[Variant], arguments: Mapping[str, Any], command: str
    ) -> list[list[str]]:
        """Write the tables of all variants that were measured; the cells, for the terminal."""
        entries = [(variant, self[variant]) for variant in variants if variant in self]
        asked, choosing = parted(self.pool)
        facts = [
            f"`{command}`",
            "",
            f"{SENTENCES * len(asked)} sentences a level about {len(asked)} scenes; thresholds "
            f"chosen on {len(choosing)} others.",
        ]
        rows = cells(entries)
        content = {
            "command": command,
            "arguments": arguments,
            "variants": records(entries),
        }
        _write(self.out / TABLE, json.dumps(content, indent=1))
        _write(self.out / PAGE, as_markdown(rows, facts))
        return rows


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, text)
