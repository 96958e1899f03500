"""One page that tells what the node saw: self-contained, it opens from disk with no network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from plotly.offline import get_plotlyjs

from sam3i_model.pages import data_uri, template
from sam3i_model.visualize import color_for
from sam3i_ros.demo import figures
from sam3i_ros.demo.results import Results, clouds, overlays
from sam3i_ros.demo.scoring import Row, by_instruction, summarise
from sam3i_ros.demo.terminal import brief, counts, number, slow_note

PICTURES = 8  # of a moving scene; where nothing moves one says it all


@dataclass(frozen=True)
class Picture:
    """One frame of the gallery."""

    frame: int
    plain: str  # data URI
    overlay: str  # data URI
    rows: list[Row]


def write_report(
    path: Path,
    results: Sequence[tuple[Results, Path]],
    facts: dict[str, str],
    stages: dict[str, str],
) -> None:
    """Writes the page; `results` come with the bags of the node's outputs.

    `facts` are shown as they are: model, machine and the like; `stages` are those of `at_end`.
    """
    page = template(
        "sam3i_ros.demo", "report.html", number=number, brief=brief, counts=counts, hex=_hex
    ).render(
        sections=[_section(found, bag) for found, bag in results],
        facts=facts,
        stages=stages,
        plotly=get_plotlyjs(),
    )
    path.write_text(page, encoding="utf-8")


def _section(results: Results, bag: Path) -> dict[str, Any]:
    """What the template shows of one source."""
    source, frames = results.source, results.source.stamps
    shown = _spread(results.overlay_stamps, PICTURES if results.moving else 1)
    plain, overlay = source.pictures(set(shown)), overlays(bag, set(shown))
    pictures = []
    for stamp in shown:
        rows = [row for row in results.rows if frames[row.frame] == stamp]
        pictures.append(
            Picture(frames.index(stamp), data_uri(plain[stamp]), data_uri(overlay[stamp]), rows)
        )
    colours = {w.text: color_for(index) for index, w in enumerate(results.wanted)}
    summary = summarise(results.rows, len(frames))
    return {
        "name": source.name,
        "title": source.title,
        "summary": summary,
        "slow": slow_note(summary),
        "tallies": by_instruction(results.rows),
        "colours": colours,
        "pictures": pictures,
        "scene": _scene(results, bag, shown, plain, colours),
        "quality": figures.quality(results.rows, len(frames)) if results.moving else "",
    }


def _scene(
    results: Results,
    bag: Path,
    stamps: Sequence[int],
    pictures: dict[int, npt.NDArray[np.uint8]],
    colours: dict[str, figures.Colour],
) -> dict[str, Any] | None:
    """The frame with the most segments that have points, in 3D; None if there is none."""
    found = clouds(bag, set(stamps))
    if not any(len(cloud.xyz) for cloud in found.values()):
        return None
    stamp = max(found, key=lambda stamp: len(np.unique(found[stamp].label)))
    xyz, seen = results.source.points(stamp)
    figure, far = figures.scene(found[stamp], colours, xyz, pictures[stamp][seen])
    return {"frame": results.source.stamps.index(stamp), "figure": figure, "far": far}


def _spread(items: Sequence[int], count: int) -> list[int]:
    """At most `count` of the items, evenly spread from the first to the last."""
    if len(items) <= count:
        return list(items)
    if count == 1:
        return [items[len(items) // 2]]
    return [items[round(i * (len(items) - 1) / (count - 1))] for i in range(count)]


def _hex(colour: figures.Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
