"""The contact sheet of a recording's data set can be read."""

from __future__ import annotations

import cv2
import numpy as np

from sam3i_model import visualize
from training.annotations.sam3i_json import TEXT_LISTS, Sample, Target
from training.bags.preview import WIDTH, contact_sheet


def sample(number, text, *tops):
    targets = []
    for top in tops:
        mask = np.zeros((360, 480), bool)
        mask[top : top + 20, 200:230] = True
        targets.append(Target.of(mask))
    texts = dict.fromkeys(TEXT_LISTS, ()) | {"concept": (text,)}
    return Sample(number, "images/a.png", 480, 360, texts, tuple(targets))


def test_sentences_fit_their_frame_and_cover_no_other(tmp_path, monkeypatch):
    (tmp_path / "images").mkdir()
    cv2.imwrite(str(tmp_path / "images" / "a.png"), np.full((360, 480, 3), 100, np.uint8))
    said, patches = [], []
    rectangle, put = cv2.rectangle, cv2.putText
    monkeypatch.setattr(
        visualize.cv2, "rectangle", lambda *a: (patches.append(a[1:3]), rectangle(*a))[1]
    )
    monkeypatch.setattr(visualize.cv2, "putText", lambda *a: (said.append(a[1]), put(*a))[1])
    long = "something that one could use to cut a sheet of paper into two neat halves"
    contact_sheet(
        tmp_path,
        [sample(1, long), sample(2, "mugs", 4, 200), sample(3, "cups", 4), sample(4, "bowls")],
    )
    assert sorted(said) == [
        "bowls: not there",
        "cups",
        "mugs",
        "something that one could use to cut a sheet of ...: not there",
    ]
    covered = np.zeros((360, WIDTH), int)
    for (left, top), (right, bottom) in patches:
        assert 0 <= left <= right < WIDTH
        covered[top : bottom + 1, left : right + 1] += 1
    assert covered.max() == 1
