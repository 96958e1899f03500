"""From a recording to a better model and back into a recording, with the bundled checkpoint."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import yaml
from typer.testing import CliRunner

from sam3i_model import cli
from sam3i_model.instruction import Instruction
from sam3i_model.segmenter import Segmenter
from sam3i_ros.messages import mask_from_segment
from tests.ros.recordings import moment, read, write
from tests.ros.rig import BLUE, HEIGHT, RED, WIDTH, scene
from training.loop.settings import read_settings
from training.review.store import Store, version_of

SAID = "the box that we need"
"""Nothing in the sentence says which box: only the recording does."""
FRAMES = 6
EVERY_FRAME = ("--rate", "0", "--motion", "0", "--blur", "0")
SMALL = {"steps": 120, "image_size": 128, "batch_size": 2, "warmup": 5}
SMALL |= {"phases": {name: {"share": 1, "texts": 1} for name in ("coarse", "fine")}}
SMALL |= {"learning_rate": 2e-3, "hold_out": 0, "rehearsal": 0, "mixture": {"simple": 1.0}}


def sam3i(verb: str, *arguments: str | Path) -> None:
    result = CliRunner().invoke(cli.build(verb), [verb, *map(str, arguments)])
    assert result.exit_code == 0, result.output


def not_guessed() -> tuple[slice, slice]:
    """The box that the bundled checkpoint takes less of, or it would be right by chance."""
    segmenter = Segmenter.from_pretrained("bundled", "cpu")
    segmenter.set_image(scene())
    found = segmenter.ground([Instruction(SAID)])[0].masks.any(axis=0)
    return RED if found[RED].mean() < found[BLUE].mean() else BLUE


def labelled_by_a_person(folder: Path, box: tuple[slice, slice]) -> None:
    """Says in every frame that this box was meant."""
    rows, columns = box
    corners = [columns.start, rows.start, columns.stop, rows.start]
    corners += [columns.stop, rows.stop, columns.start, rows.stop]
    drawn = {"do": "draw", "how": "new", "instance": 0}
    drawn |= {"shape": {"kind": "polygon", "points": corners}}
    store = Store(folder)
    for number in range(1, FRAMES + 1):
        for action in (drawn, {"do": "accept"}):
            store.act(number, version_of(store.sample(number)), action)
    store.close()


def overlaps(bag: Path, box: tuple[slice, slice]) -> list[float]:
    """IoU of what was found with a box, per frame."""
    truth = np.zeros((HEIGHT, WIDTH), bool)
    truth[box] = True
    shares = []
    for message in read(bag, "/sam3i/segments")["/sam3i/segments"]:
        found = np.zeros((HEIGHT, WIDTH), bool)
        for segment in message.content.segments:
            found |= mask_from_segment(segment, (HEIGHT, WIDTH))
        shares.append((found & truth).sum() / (found | truth).sum())
    return shares


def test_the_whole_loop(tmp_path: Path) -> None:
    bag = write(tmp_path / "drive", [line for n in range(FRAMES) for line in moment(100 * n)])
    data, run, box = tmp_path / "data", tmp_path / "run", not_guessed()
    sam3i("prepare", bag, data, "--instruction", SAID, *EVERY_FRAME)
    labelled_by_a_person(data, box)
    settings = {**vars(read_settings("fine-tune")), **SMALL}
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(settings))
    sam3i("train", data, run, "--settings", tmp_path / "small.yaml", "--from", "bundled")
    tuned = run / "model"
    sam3i("evaluate", tuned, data, "--against", "bundled", "--out", tmp_path / "figures")
    figures = json.loads((tmp_path / "figures/figures.json").read_text())
    tuned_giou, bundled_giou = (
        content["figures"]["level"]["simple"]["giou"] for content in (figures, figures["against"])
    )
    assert tuned_giou > bundled_giou + 0.25
    sam3i("replay", bag, "--model", tuned, "--instruction", SAID, "--out", tmp_path / "after")
    sam3i("replay", bag, "--instruction", SAID, "--out", tmp_path / "before")
    before, after = overlaps(tmp_path / "before", box), overlaps(tmp_path / "after", box)
    assert max(before) < 0.5 < min(after)
