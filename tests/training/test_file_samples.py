"""Samples from SAM3-I JSON: the right texts with the right masks, wherever the picture is cut."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from sam3i_model.instruction import Level
from tests.training.small_training import small_settings
from training.annotations import sam3i_json
from training.annotations.entries import SourceError
from training.annotations.sam3i_json import Sample, Target
from training.data import open_samples
from training.samples.from_file import FileSamples, in_cells
from training.samples.sample import Mixed

WIDTH, HEIGHT = 120, 80
RED, BLUE = (slice(20, 60), slice(24, 48)), (slice(30, 50), slice(72, 96))


def mask_of(place: tuple[slice, slice]) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[place] = True
    return mask


def entry(number: int, place: tuple[slice, slice] | None, **texts: tuple[str, ...]) -> Sample:
    said = {key: texts.get(key, ()) for key in sam3i_json.TEXT_LISTS}
    targets = () if place is None else (Target.of(mask_of(place)),)
    return Sample(number, "pictures/one.png", WIDTH, HEIGHT, said, targets)


def written(folder: Path, samples: list[Sample]) -> Path:
    picture = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    picture[RED] = (0, 0, 255)  # BGR
    picture[BLUE] = (255, 0, 0)
    (folder / "pictures").mkdir(parents=True)
    cv2.imwrite(str(folder / "pictures/one.png"), picture)
    path = folder / "annotations.json"
    sam3i_json.write(path, samples)
    return path


def draws(samples: FileSamples, count: int = 40, size: int = 64):
    for seed in range(count):
        yield samples.draw(random.Random(seed), np.random.default_rng(seed), size, 3)


def test_masks_and_boxes_lie_on_what_is_meant_wherever_the_picture_is_cut(tmp_path):
    left = entry(1, RED, concept=("box",), simple_query=("the red box",), complex_query=("stop",))
    right = entry(2, BLUE, concept=("box",), simple_query=("the blue box",), complex_query=("sea",))
    samples = FileSamples(written(tmp_path, [left, right]), {"simple": 1.0})
    sizes = set()
    for sample in draws(samples, size=128):
        assert sample.image.shape == (128, 128, 3)
        for asked in sample.asked:
            assert asked.level == Level.SIMPLE
            channel = 0 if asked.text == "the red box" else 2
            cells = sample.image[2::4, 2::4].astype(int)
            coloured = (cells.argmax(2) == channel) & (np.ptp(cells, axis=2) > 60)
            both = (asked.masks[0] & coloured).sum() / (asked.masks[0] | coloured).sum()
            assert both > 0.7  # the rim is blurred, and the picture grainy
            rows, columns = np.nonzero(asked.masks[0])
            drawn = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]) / 32
            assert np.abs(asked.boxes[0] - drawn).max() < 1 / 32
            sizes.add(round(float(asked.boxes[0][2] - asked.boxes[0][0]), 3))
    assert len(sizes) > 10  # the rim is cut anew every time
    assert max(sizes) <= 0.2 / 0.8 + 1e-6


@pytest.mark.parametrize(
    ("rows", "columns", "seen"),
    [
        (slice(0, 64), slice(9, 12), (slice(None), 1)),  # between the middles of two columns
        (slice(2, 62), slice(15, 17), (slice(None), slice(1, 3))),  # on both sides of an edge
        (slice(17, 18), slice(49, 50), (2, 6)),
        (slice(0, 64), slice(12, 13), (slice(None), 1)),  # on the middles
    ],
)
def test_thin_and_small_things_have_a_mask(rows, columns, seen):
    mask, expected = np.zeros((64, 64), bool), np.zeros((8, 8), bool)
    mask[rows, columns], expected[seen] = True, True
    assert np.array_equal(in_cells(mask, 8), expected)


def test_triplets_negatives_and_what_denotes_nothing(tmp_path):
    full = entry(1, RED, concept=("box",), simple_query=("a", "b"), complex_query=("c",))
    absent = entry(2, None, simple_query=("the green box",))
    rejected = Sample(**{**vars(entry(4, BLUE, simple_query=("no",))), "review": "rejected"})
    with_negative = Sample(
        **{**vars(entry(3, BLUE, complex_query=("d",))), "negative": {"complex_query": ("e",)}}
    )
    path = written(tmp_path, [full, absent, with_negative, rejected])
    seen = {}
    mixture = {"triplet": 0.4, "simple": 0.3, "complex": 0.3}
    for sample in draws(FileSamples(path, mixture), 60):
        for pair in sample.pairs:
            assert pair.concept == "box"
            simple, complex_ = sample.asked[pair.simple], sample.asked[pair.complex]
            assert (simple.level, complex_.level) == (Level.SIMPLE, Level.COMPLEX)
            assert np.array_equal(simple.masks, complex_.masks)
        for asked in sample.asked:
            seen.setdefault(asked.text, set()).add(len(asked.masks))
    assert seen == {"a": {1}, "b": {1}, "c": {1}, "d": {1}, "e": {0}, "the green box": {0}}


def test_one_of_several_is_no_answer_to_a_concept(tmp_path):
    one = replace(entry(1, RED, concept=("mug",), simple_query=("a",)), single=True)
    none = replace(entry(2, None, concept=("can",)), single=True)
    path = written(tmp_path, [one, none, entry(3, BLUE, concept=("cup",))])
    seen = set()
    for sample in draws(FileSamples(path, {"concept": 0.5, "simple": 0.5})):
        seen |= {(asked.text, len(asked.masks)) for asked in sample.asked}
    assert seen == {("a", 1), ("can", 0), ("cup", 1)}


def test_so_many_sentences_are_about_what_is_not_there(tmp_path):
    both = {"simple_query": ("the red box",)}
    one = Sample(**{**vars(entry(1, RED, **both)), "negative": {"simple_query": ("the mug",)}})
    path = written(tmp_path, [one])
    for absent in (0.0, 0.5):
        samples = FileSamples(path, {"simple": 1.0}, absent=absent)
        texts = [asked.text for sample in draws(samples, 100) for asked in sample.asked]
        assert abs(texts.count("the mug") / 300 - absent) < 0.1


def test_a_source_without_a_share_is_never_drawn(tmp_path):
    path = written(
        tmp_path, [entry(1, RED, simple_query=("a",)), entry(2, BLUE, complex_query=("b",))]
    )
    samples = FileSamples(path, {"simple": 1.0, "complex": 0.0})
    assert {asked.text for sample in draws(samples) for asked in sample.asked} == {"a"}
    with pytest.raises(SourceError, match=r"for concept; its sentences are for simple, complex,"):
        FileSamples(path, {"concept": 1.0, "simple": 0.0})


def test_crowds_are_no_instances(tmp_path):
    crowd = replace(Target.of(mask_of(BLUE)), crowd=True)
    both = entry(1, RED, simple_query=("boxes",))
    both = replace(both, targets=(*both.targets, crowd))
    alone = replace(entry(2, None, simple_query=("many",)), targets=(crowd,))
    negative = replace(alone, id=3, negative={"simple_query": ("mug",)})
    samples = FileSamples(written(tmp_path, [both, alone, negative]), {"simple": 1.0})
    found = {(a.text, len(a.masks)) for sample in draws(samples) for a in sample.asked}
    assert found == {("boxes", 1), ("mug", 0)}


def test_draws_repeat(tmp_path):
    path = written(tmp_path, [entry(1, RED, simple_query=("a",))])
    first, again = (next(draws(FileSamples(path, {"simple": 1.0}))) for _ in range(2))
    assert np.array_equal(first.image, again.image)
    assert np.array_equal(first.asked[0].boxes, again.asked[0].boxes)


def test_mixed_data_have_their_shares(tmp_path):
    one = FileSamples(written(tmp_path / "a", [entry(1, RED, simple_query=("a",))]), {"simple": 1})
    two = FileSamples(written(tmp_path / "b", [entry(1, RED, simple_query=("b",))]), {"simple": 1})
    texts = [sample.asked[0].text for sample in draws(Mixed([(3, one), (1, two)]), 200)]
    assert 0.15 < texts.count("b") / 200 < 0.35


def test_a_file_without_anything_to_learn_says_so(tmp_path):
    path = written(tmp_path, [entry(1, RED, concept=("box",))])
    with pytest.raises(SourceError, match="has nothing to learn from for simple"):
        FileSamples(path, {"simple": 1.0})
    with pytest.raises(SourceError, match="has nothing to learn from for row, order"):
        FileSamples(path, {"row": 0.5, "order": 0.5})
    (tmp_path / "pictures/one.png").unlink()
    with pytest.raises(SourceError, match=r"one\.png is not in"):
        FileSamples(path, {"concept": 1.0})
    path.write_text("{}")
    with pytest.raises(SourceError, match="no SAM3-I JSON"):
        open_samples(tmp_path, small_settings())


def test_what_waits_for_a_review_is_told(tmp_path, monkeypatch, capsys):
    said = {"simple_query": ("a",)}
    waiting = [replace(entry(n, None, **said), review="open") for n in range(12)]
    rejected = replace(entry(20, RED, **said), review="rejected")
    concept = entry(21, RED, concept=("box",))
    told = "samples that wait for a person (sam3i review {}): 12; samples that were rejected: 1"
    path = written(tmp_path, [*waiting, rejected, concept])
    with pytest.raises(SourceError) as error:
        FileSamples(path, {"simple": 1.0})
    assert str(error.value) == (
        f"{path} has nothing to learn from for simple; its sentences are for concept, which these "
        f"settings don't teach; {told.format(tmp_path)}"
    )
    named = tmp_path / "train.json"  # no name that `review` takes
    sam3i_json.write(named, waiting)
    with pytest.raises(SourceError, match=r"simple; samples that wait for a person: 12$"):
        FileSamples(named, {"simple": 1.0})
    sam3i_json.write(path, [*waiting, rejected, entry(22, RED, **said)])
    monkeypatch.chdir(tmp_path)
    open_samples(Path(), small_settings("1-1"))
    assert told.format(".") in " ".join(capsys.readouterr().err.split())


def test_other_levels_are_not_said_to_be_the_reason_where_the_picture_is(tmp_path):
    path = written(tmp_path, [entry(1, RED, simple_query=("a",), concept=("box",))])
    (tmp_path / "pictures/one.png").unlink()
    with pytest.raises(SourceError, match=r"from for simple; image 1: pictures/one\.png is not in"):
        FileSamples(path, {"simple": 1.0})


def test_a_picture_of_another_size_is_told(tmp_path):
    path = written(tmp_path, [entry(1, RED, simple_query=("a",))])
    cv2.imwrite(str(tmp_path / "pictures/one.png"), np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(SourceError, match="is 8x8, not 120x80"):
        FileSamples(path, {"simple": 1.0})


def test_entries_of_a_picture_must_agree_on_its_size(tmp_path):
    other = Sample(**{**vars(entry(2, None, simple_query=("b",))), "width": 64})
    path = written(tmp_path, [entry(1, RED, simple_query=("a",)), other])
    with pytest.raises(SourceError, match="is 120x80, not 64x80"):
        FileSamples(path, {"simple": 1.0})


def test_a_picture_that_is_stored_lying_has_one_size_too(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    entries = [entry(1, RED, simple_query=("a",)), entry(2, None, simple_query=("b",))]
    entries[1] = replace(entries[1], width=HEIGHT, height=WIDTH)
    path = written(tmp_path, entries)
    picture = tmp_path / "pictures/one.png"
    with Image.open(picture) as stored:
        stored.save(picture, exif=exif)
    with pytest.raises(SourceError, match=r"one\.png is upright for some entries and lies for"):
        FileSamples(path, {"simple": 1.0})


def test_pictures_that_cannot_be_read_are_left_out_and_told(tmp_path, capsys):
    good = entry(1, RED, simple_query=("a",))
    bad = Sample(**{**vars(entry(2, BLUE, simple_query=("b",))), "file_name": "pictures/two.png"})
    written(tmp_path, [good, bad])
    (tmp_path / "pictures/two.png").write_text("no picture")
    samples = open_samples(tmp_path, small_settings("1-1"))
    assert [[e.id for e in entries] for entries in samples.pictures] == [[1]]
    told = capsys.readouterr().err
    assert "1 left out, such as image 2: " in told
    assert "two.png is no picture that can be read" in told


def test_pictures_that_are_cut_off_are_left_out_and_told(tmp_path):
    entries, noise = [], np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    for number, end in enumerate((".jpg", ".png", ".jpg", ".webp"), 1):
        whole = cv2.imencode(end, noise)[1].tobytes()
        half = replace(entry(2 * number, RED, simple_query=("b",)), file_name=f"{number}-cut{end}")
        full = replace(half, id=2 * number + 1, file_name=f"{number}{end}")
        (tmp_path / half.file_name).write_bytes(whole[: len(whole) // 2])
        (tmp_path / full.file_name).write_bytes(whole + bytes(5000 * (number == 3)))
        entries += [half, full]
    samples = FileSamples(written(tmp_path, entries), {"simple": 1.0})
    assert [e.id for (e,) in samples.pictures] == [3, 5, 7, 9]
    assert samples.problems.count == 4
    assert "1-cut.jpg is no picture that can be read" in samples.problems.lines[0]
    assert len(list(draws(samples, 20))) == 20


def test_kept_pixels_have_a_name_of_their_own(tmp_path):
    """It is another one as soon as the picture, or what is asked about it, is another."""
    path = written(tmp_path, [entry(1, RED, simple_query=("a",))])

    def named() -> dict[str, bytes]:
        samples = FileSamples(path, {"simple": 1.0}, variants=2)
        return {sample.key: sample.image.tobytes() for sample in draws(samples)}

    first = named()
    assert len(first) == len(set(first.values())) == 2
    assert named() == first
    everything = slice(0, HEIGHT), slice(0, WIDTH)
    sam3i_json.write(path, [entry(1, everything, simple_query=("a",))])  # no rim may be cut off
    uncut = named()
    assert not uncut.keys() & first.keys()
    cv2.imwrite(str(tmp_path / "pictures/one.png"), np.full((HEIGHT, WIDTH, 3), 60, np.uint8))
    assert not named().keys() & (first.keys() | uncut.keys())
