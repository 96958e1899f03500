"""The overlay changes what it should and nothing else."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from sam3i_model import visualize
from sam3i_model.instruction import Instruction, Level, Outcome
from sam3i_model.marks import number, outline
from sam3i_model.visualize import color_for, draw_overlay, short_text

RGB = np.full((480, 640, 3), 100, np.uint8)


def grounding(text="mug", outcome=Outcome.FOUND, masks=(), detail=""):
    masks = np.array(list(masks)) if len(masks) else np.zeros((0, 480, 640), bool)
    return SimpleNamespace(
        instruction=Instruction(text),
        outcome=outcome,
        level=Level.CONCEPT,
        detail=detail,
        masks=masks,
        scores=np.full(len(masks), 0.9, np.float32),
    )


def square(top, left, side=100):
    mask = np.zeros((480, 640), bool)
    mask[top : top + side, left : left + side] = True
    return mask


def changed(picture):
    return (picture != RGB).any(axis=2)


def test_nothing_to_draw_is_the_image():
    picture = draw_overlay(RGB, [grounding()])
    assert np.array_equal(picture, RGB)
    assert picture is not RGB


def test_only_mask_outline_and_tag_change():
    before = RGB.copy()
    mask = square(200, 300)
    difference = changed(draw_overlay(RGB, [grounding(masks=[mask])]))
    assert np.array_equal(before, RGB)
    assert difference[mask].all()
    # The outline may reach two pixels out; the tag sits on top, nowhere else.
    near = np.zeros_like(mask)
    near[198:302, 298:402] = True
    outside = difference & ~near
    rows, columns = np.nonzero(outside)
    assert 160 < rows.min() <= rows.max() < 200
    assert 300 <= columns.min() <= columns.max() < 400


def test_mask_is_translucent():
    rgb = RGB.copy()
    rgb[240:260] = 200
    mask = square(200, 300)
    picture = draw_overlay(rgb, [grounding(masks=[mask])]).astype(int)
    dark, light = picture[230, 350], picture[250, 350]
    assert (light - dark == 55).all()  # what is under it shows through


def test_colour_is_that_of_the_instruction():
    first = grounding(masks=[square(200, 100), square(350, 100)])
    second = grounding(text="bowl", masks=[square(200, 400)])
    picture = draw_overlay(RGB, [first, second])
    assert np.array_equal(picture[250, 150], picture[400, 150])
    assert not np.array_equal(picture[250, 150], picture[250, 450])
    for index, at in ((0, (250, 150)), (1, (250, 450))):
        expected = 100 * 0.55 + 0.45 * np.array(color_for(index))
        np.testing.assert_allclose(picture[at], expected, atol=1)


def test_colours_differ():
    colours = np.array([color_for(i) for i in range(12)])
    distances = np.linalg.norm(colours[:, None] - colours, axis=2) + 1000 * np.eye(12)
    assert distances.min() > 30


@pytest.mark.parametrize("outcome", [Outcome.NOT_FOUND, Outcome.REJECTED, Outcome.AMBIGUOUS])
def test_other_outcomes_get_a_line_at_the_top(outcome):
    difference = changed(draw_overlay(RGB, [grounding(outcome=outcome, detail="because")]))
    rows, columns = np.nonzero(difference)
    assert rows.min() == 0
    assert columns.min() == 0
    assert rows.max() < 30


def test_lines_do_not_cover_each_other():
    one = grounding(outcome=Outcome.NOT_FOUND)
    height = np.nonzero(changed(draw_overlay(RGB, [one])))[0].max() + 1
    both = np.nonzero(changed(draw_overlay(RGB, [one, one])))[0].max() + 1
    assert both == 2 * height


def tags(monkeypatch, rgb, groundings):
    """The text and patch (x, y, width, height) of each tag that is drawn."""
    drawn, patches = [], []
    real = visualize.cv2.rectangle, visualize.cv2.putText

    def rectangle(picture, first, last, *more):
        patches.append((*first, last[0] - first[0] + 1, last[1] - first[1] + 1))
        return real[0](picture, first, last, *more)

    def put(picture, text, *more):
        drawn.append(text)
        return real[1](picture, text, *more)

    monkeypatch.setattr(visualize.cv2, "rectangle", rectangle)
    monkeypatch.setattr(visualize.cv2, "putText", put)
    draw_overlay(rgb, groundings)
    return list(zip(drawn, patches, strict=True))


@pytest.mark.parametrize(
    ("width", "text", "lines"),
    [
        (640, "mug", ["mug: AMBIGUOUS (2 things fit"]),
        (640, "the red mug left of it", ["the red mug left of it: AMBIGUOUS", "2 things fit"]),
        (200, "the red mug left of it", ["the red mug left of it: AMBIGUOUS"]),
        (64, "the red mug left of it", ["AMBIGUOUS"]),
    ],
)
def test_a_line_that_does_not_fit_goes_on_in_a_second_or_in_fewer_words(
    monkeypatch, width, text, lines
):
    detail = "2 things fit a request for one: add what tells them apart"
    one = grounding(text, Outcome.AMBIGUOUS, detail=detail)
    rgb = np.zeros((120, width, 3), np.uint8)
    drawn = tags(monkeypatch, rgb, [one])
    assert len(drawn) == len(lines)
    for (said, (x, y, across, _)), line, above in zip(drawn, lines, [None, *drawn], strict=False):
        assert said.startswith(line)
        assert x + across <= width
        assert y == (above[1][1] + above[1][3] if above else 0)


def test_a_reason_is_one_line_in_characters_of_the_font(monkeypatch):
    one = grounding(outcome=Outcome.REJECTED, detail="no\n線" + "x" * 100)
    assert [text for text, _ in tags(monkeypatch, RGB, [one])] == [
        "mug: REJECTED (no ?" + "x" * 53 + "...)"
    ]


def test_tags_cover_neither_each_other_nor_the_lines(monkeypatch):
    masks = [square(2, 560, 30), square(2, 600, 30), square(200, 560, 30), square(200, 600, 30)]
    rivals = grounding("the mug on the table", Outcome.AMBIGUOUS, masks, "2 things fit")
    patches = [patch for _, patch in tags(monkeypatch, RGB, [rivals])]
    assert len(patches) == 5
    covered = np.zeros((480, 640), int)
    for x, y, width, height in patches:
        assert 0 <= x <= 640 - width
        assert 0 <= y <= 480 - height
        covered[y : y + height, x : x + width] += 1
    assert covered.max() == 1


def test_found_is_not_announced():
    assert not changed(draw_overlay(RGB, [grounding(masks=[square(300, 300)])]))[:50].any()


@pytest.mark.parametrize("text", ["x" * 1000, "線\nund Größe\t", "", "a" * 59 + "é%s{}"])
@pytest.mark.parametrize("shape", [(480, 640), (48, 64), (1080, 1920)])
def test_any_text_on_any_size(text, shape):
    rgb = np.zeros((*shape, 3), np.uint8)
    rgb.setflags(write=False)
    found = grounding(text=text)
    found.masks, found.scores = np.ones((1, *shape), bool), np.ones(1, np.float32)
    lost = grounding(text=text, outcome=Outcome.REJECTED, detail=text)
    picture = draw_overlay(rgb, [found, lost])
    assert picture.shape == rgb.shape
    assert picture.dtype == np.uint8
    assert picture.any()


def test_a_turned_picture_is_drawn_on_as_its_copy():
    rgb = np.random.default_rng(0).integers(0, 256, (64, 48, 3), np.uint8)
    for turned in (np.rot90(rgb), rgb.transpose(1, 0, 2), np.asfortranarray(rgb[:48])):
        copied = np.ascontiguousarray(turned)
        masks = np.zeros((1, *turned.shape[:2]), bool)
        masks[:, 10:30, 20:40] = True
        found = grounding()
        found.masks, found.scores = masks, np.ones(1, np.float32)
        assert np.array_equal(draw_overlay(turned, [found]), draw_overlay(copied, [found]))
        for draw in (outline, number):
            assert np.array_equal(draw(turned, masks), draw(copied, masks))


def test_an_empty_mask_does_no_harm():
    picture = draw_overlay(RGB, [grounding(masks=[np.zeros((480, 640), bool)])])
    assert np.array_equal(picture, RGB)


def test_a_large_picture_is_numbered_at_the_size_it_is_sent():
    rgb = np.full((3000, 4000, 3), 100, np.uint8)
    masks = np.zeros((2, 3000, 4000), bool)
    masks[0, 1000:2000, 1000:2000] = True
    masks[1, 2001, 3001] = True  # less than a pixel of what is sent
    picture = number(rgb, masks)
    assert picture.shape == (768, 1024, 3)
    assert rgb.min() == rgb.max() == 100
    alone = number(rgb, masks[:1])
    assert (alone[260:360, 260:508] != 100).any(axis=2).all()  # tinted
    rows, columns = np.nonzero((picture != alone).any(axis=2))
    assert 470 < rows.min() <= rows.max() < 520  # the tag stands on (512, 768)
    assert 760 < columns.min() <= columns.max() < 800


def test_six_tags_at_one_corner_are_all_seen(monkeypatch):
    same = [grounding(text=text, masks=[square(200, 300)]) for text in "abcdef"]
    patches = [patch for _, patch in tags(monkeypatch, RGB, same)]
    height = patches[0][3]
    tops = sorted(y for _, y, _, _ in patches)
    assert [y - tops[0] for y in tops] == [height * place for place in range(6)]


def test_letters_of_a_large_picture_are_as_bold_as_those_of_a_small_one():
    shares = []
    for width in (640, 4000):
        rgb = np.full((width * 3 // 4, width, 3), 100, np.uint8)
        picture = draw_overlay(rgb, [grounding("the spoon", Outcome.NOT_FOUND)])
        rows, columns = np.nonzero((picture != rgb).any(axis=2))
        tag = picture[: rows.max(), : columns.max()]
        shares.append((tag.mean(axis=2) > np.mean(color_for(0)) + 30).mean())  # white on the colour
    assert 0.5 < shares[1] / shares[0] < 1.5


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "the worker\u2019s \u201cbig\u201d caf\u00e9 cup \u2013 now\u2026",
            'the worker\'s "big" cafe cup - now...',
        ),
        ("Gr\u00f6\u00dfe", "Gro?e"),
        ("\u676f\u5b50\n mug", "?? mug"),
        ("x" * 61, "x" * 57 + "..."),
    ],
)
def test_what_the_font_does_not_have_is_told_as_nearly_as_can_be(text, shown):
    assert short_text(text) == shown
