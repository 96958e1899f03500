"""Masks and ids from frame to frame, on things whose motion is known."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from sam3i_model.instruction import Instruction, Outcome
from sam3i_ros.tracking import Tracked, Tracker
from sam3i_ros.tracking.outline import outline_of
from tests.ros.moving import BLUE, DISC, GREY, HEIGHT, RED, WIDTH, Disc, grounding, iou, scene

RATE = 30.0  # Hz
SIZE = 320  # px, as wide as the pictures

Picture = tuple[np.ndarray, list[np.ndarray]]


class Film:
    """Shows a tracker one picture after the other; a model answers about some of them."""

    def __init__(self) -> None:
        self.tracker = Tracker()
        self.frame = 0

    def show(self, rgb: np.ndarray) -> None:
        self.tracker.see(rgb, self.frame / RATE, SIZE)
        self.frame += 1

    def answer(self, masks: Sequence[np.ndarray]) -> None:
        """A model that is done at once with the picture that was shown last."""
        self.tracker.mark()
        self.tracker.accept([grounding(masks)])

    def start(self, picture: Picture) -> None:
        self.show(picture[0])
        self.answer(picture[1])

    @property
    def tracked(self) -> Tracked:
        return self.tracker.present()[DISC]

    @property
    def masks(self) -> list[np.ndarray]:
        return list(self.tracked.grounding.masks)

    def owner(self, truth: np.ndarray) -> int:
        """The id of the mask that covers most of a thing; 0 if none covers half of it."""
        ids = self.tracked.ids
        covers = [(iou(mask, truth), id) for mask, id in zip(self.masks, ids, strict=True)]
        best, id = max(covers, default=(0.0, 0))
        return id if best > 0.5 else 0


@pytest.fixture
def film() -> Film:
    return Film()


TWO = [Disc(90, 100), Disc(200, 140, BLUE, 30)]


def test_what_was_grounded_in_this_frame_is_given_as_it_is(film: Film) -> None:
    picture = scene(TWO)
    film.start(picture)
    assert film.tracked.ids == (1, 2)
    assert not film.tracked.carried
    assert not film.tracked.lost
    assert film.tracker.answered == 0.0
    np.testing.assert_array_equal(film.masks, picture[1])
    np.testing.assert_allclose(film.tracked.grounding.scores, [0.9, 0.6])


def test_nothing_moves_and_nothing_changes(film: Film) -> None:
    picture = scene(TWO)
    film.start(picture)
    for _ in range(5):
        film.show(picture[0])
    assert film.tracked.carried
    assert not film.tracker.unsure
    assert film.tracked.ids == (1, 2)
    np.testing.assert_array_equal(film.masks, picture[1])
    np.testing.assert_array_equal(film.tracked.grounding.boxes[0], [67, 77, 114, 124])


PANNED: dict[str, Callable[[int], Picture]] = {
    "shift": lambda n: scene(TWO, pan=(3 * n, -2 * n)),
    "part of a pixel": lambda n: scene(TWO, pan=(0.3 * n, 0.2 * n)),
    "nearer": lambda n: scene(TWO, zoom=1 + 0.02 * n),
    "farther": lambda n: scene(TWO, zoom=1 - 0.015 * n),
    "on its own": lambda n: scene([Disc(90 + 3 * n, 100), TWO[1]]),
    "both": lambda n: scene([Disc(90 - 2 * n, 100 + n), TWO[1]], pan=(2 * n, 0)),
}


@pytest.mark.parametrize("motion", PANNED)
def test_masks_go_with_the_picture(film: Film, motion: str) -> None:
    film.start(PANNED[motion](0))
    for n in range(1, 16):
        rgb, truth = PANNED[motion](n)
        film.show(rgb)
    assert film.tracked.ids == (1, 2)
    assert min(iou(m, t) for m, t in zip(film.masks, truth, strict=True)) > 0.93
    assert not film.tracker.unsure


def test_an_answer_that_comes_late_is_carried_to_the_newest_frame(film: Film) -> None:
    pictures = [scene(TWO, pan=(3 * n, n)) for n in range(25)]
    film.show(pictures[0][0])
    film.tracker.mark()
    for rgb, _ in pictures[1:]:
        film.show(rgb)
    assert film.tracker.present() == {}
    film.tracker.accept([grounding(pictures[0][1])])
    assert film.tracked.carried
    assert film.tracker.answered == 0.0
    truth = pictures[-1][1]
    assert min(iou(m, t) for m, t in zip(film.masks, truth, strict=True)) > 0.93


def test_a_late_answer_keeps_the_ids_of_what_was_there_then(film: Film) -> None:
    pictures = [scene(TWO, pan=(3 * n, n)) for n in range(25)]
    film.start(pictures[0])
    film.show(pictures[1][0])
    film.tracker.mark()
    for rgb, _ in pictures[2:]:
        film.show(rgb)
    film.tracker.accept([grounding(pictures[1][1][::-1])])  # the model's order is its own
    truth = pictures[-1][1]
    assert film.tracked.ids == (2, 1)
    assert [film.owner(t) for t in truth] == [1, 2]


def test_a_lost_thing_is_not_invented(film: Film) -> None:
    film.start(scene(TWO))
    rgb, truth = scene(TWO[1:])  # the first was taken away
    film.show(rgb)
    film.show(rgb)
    assert film.tracked.ids == (2,)
    assert film.tracker.unsure
    assert not film.tracked.lost
    assert iou(film.masks[0], truth[0]) > 0.95
    rgb, _ = scene()
    film.show(rgb)
    assert film.tracked.lost
    assert film.tracked.grounding.masks.shape == (0, HEIGHT, WIDTH)
    film.answer([])
    assert not film.tracked.lost
    assert film.tracked.grounding.outcome == Outcome.NOT_FOUND
    assert not film.tracker.unsure


def test_a_mask_that_leaves_the_picture_ends(film: Film) -> None:
    film.start(scene(TWO))
    for n in range(1, 30):
        rgb, truth = scene(TWO, pan=(6 * n, 0))
        film.show(rgb)
        for mask, id in zip(film.masks, film.tracked.ids, strict=True):
            assert iou(mask, truth[id - 1]) > 0.5, n
    assert film.tracked.ids == (2,)  # the first went at 114 / 6 = 19
    for n in range(29, -1, -1):  # and what comes in again is not taken for it
        film.show(scene(TWO, pan=(6 * n, 0))[0])
    assert film.tracked.ids == (2,)


def test_what_comes_in_at_the_border_has_no_mask(film: Film) -> None:
    """A mask at the border would else grow with the picture."""
    edge = Disc(0, 120)
    film.start(scene([edge]))
    for n in range(1, 11):
        rgb, truth = scene([edge], pan=(-4 * n, 0))
        film.show(rgb)
    assert not (film.masks[0] & ~truth[0])[:, :30].any()


HIDDEN = 24  # frames, 0.8 s
WALL = Disc(160, 120, GREY, 60)


def hiding(n: int, frames: int) -> Picture:
    """A red disc that a grey one covers from frame 10 on, for a number of frames."""
    covers = 10 <= n < 10 + frames
    rgb, truth = scene([Disc(160, 120), *([WALL] if covers else [])])
    return rgb, truth[:1]


@pytest.mark.parametrize(("frames", "same"), [(HIDDEN, True), (80, False)])
def test_what_was_hidden_keeps_its_id_for_a_second(film: Film, frames: int, same: bool) -> None:
    film.start(hiding(0, frames))
    for n in range(1, 20 + frames):
        rgb, truth = hiding(n, frames)
        film.show(rgb)
        if 10 <= n < 10 + frames:
            assert film.tracked.ids == (), n
        if n % 8 == 7:
            film.answer(truth)
    assert film.tracked.ids == ((1,) if same else (2,))


def test_what_goes_behind_something_comes_out_as_itself(film: Film) -> None:
    def passing(n: int) -> Picture:
        rgb, truth = scene([Disc(30 + 4 * n, 120, RED, 16), Disc(160, 120, GREY, 40)])
        return rgb, truth[:1]

    film.start(passing(0))
    unseen = 0
    for n in range(1, 65):
        rgb, truth = passing(n)
        film.show(rgb)
        unseen += not film.tracked.ids
        if n % 6 == 5:
            film.answer(truth)
    assert unseen > 10
    assert film.tracked.ids == (1,)


@pytest.mark.parametrize("every", [6, 15])
def test_two_alike_that_cross_do_not_swap(film: Film, every: int) -> None:
    def crossing(n: int) -> Picture:
        return scene([Disc(60 + 4 * n, 130), Disc(260 - 4 * n, 120)])

    film.start(crossing(0))
    first, second = (film.owner(t) for t in crossing(0)[1])
    for n in range(1, 51):
        rgb, truth = crossing(n)
        film.show(rgb)
        if n % every == every - 1:
            film.answer(truth if n % 2 else truth[::-1])
        assert film.owner(truth[0]) in (first, 0), n
        assert film.owner(truth[1]) in (second, 0), n
    film.answer(truth)
    assert [film.owner(t) for t in truth] == [first, second]


def test_a_model_that_misses_once_does_not_cost_the_id(film: Film) -> None:
    rgb, truth = scene(TWO)
    film.start((rgb, truth))
    film.show(rgb)
    film.answer(truth[1:])
    assert film.tracked.ids == (2,)
    film.show(rgb)
    film.answer(truth)
    assert film.tracked.ids == (1, 2)


def test_another_thing_in_the_same_place_is_another_thing(film: Film) -> None:
    film.start(scene([Disc(160, 120)]))
    film.show(scene()[0])
    film.show(scene()[0])
    film.answer([])
    rgb, truth = scene([Disc(170, 125, BLUE)])
    film.show(rgb)
    film.answer(truth)
    assert film.tracked.ids == (2,)


def test_instructions_come_and_go(film: Film) -> None:
    rgb, (red, blue) = scene(TWO)
    film.start((rgb, [red]))
    other = Instruction("blue disc", id="other")
    assert not film.tracker.knows(other)
    film.show(rgb)
    film.tracker.mark()
    film.tracker.accept([grounding([red]), grounding([blue], other)])
    present = film.tracker.present()
    assert {i: t.ids for i, t in present.items()} == {DISC: (1,), other: (2,)}
    film.tracker.mark()
    film.tracker.accept([grounding([blue], other)])
    assert film.tracker.present().keys() == {other}
    film.show(rgb)
    film.tracker.mark()
    film.tracker.accept([grounding([red])])
    assert film.tracked.ids == (3,)  # no number is given twice


def test_a_cut_loses_everything(film: Film) -> None:
    film.start(scene(TWO))
    film.show(scene(pan=(200, 150))[0])
    assert film.tracked.lost
    assert film.tracker.unsure


def test_exposure_is_not_change(film: Film) -> None:
    rgb, truth = scene(TWO)
    film.start((rgb, truth))
    for brighter in range(10, 61, 10):
        film.show(np.clip(rgb.astype(int) + brighter, 0, 255).astype(np.uint8))
    assert film.tracked.ids == (1, 2)
    assert not film.tracker.unsure


def test_over_a_gap_or_another_size_nothing_is_carried(film: Film) -> None:
    rgb, truth = scene(TWO)
    film.start((rgb, truth))
    film.tracker.mark()
    film.frame += 40
    film.show(rgb)
    assert film.tracker.present() == {}
    film.tracker.accept([grounding(truth)])  # to a frame before the gap
    assert film.tracker.present() == {}
    film.answer(truth)
    assert film.tracked.ids == (3, 4)
    film.show(rgb[:200])
    assert film.tracker.present() == {}


def test_half_the_size_is_another_size(film: Film) -> None:
    """Although the small pictures are alike."""
    rgb, truth = scene(TWO)
    film.tracker.see(rgb, 0.0, SIZE // 4)
    film.answer(truth)
    film.tracker.see(rgb[::2, ::2].copy(), 1 / RATE, SIZE // 4)
    assert film.tracker.present() == {}


def test_nothing_is_carried_for_ever(film: Film) -> None:
    rgb, truth = scene(TWO)
    film.start((rgb, truth))
    for frame in range(1, 17):
        film.tracker.see(rgb, 0.95 * frame, SIZE)
        assert bool(film.tracker.present()) == (0.95 * frame <= 15)


@pytest.mark.parametrize("shape", [(8, 640), (600, 30), (3, 3), (1, 1), (2, 5000)])
def test_odd_sizes(film: Film, shape: tuple[int, int]) -> None:
    rgb = np.random.default_rng(0).integers(0, 255, (*shape, 3), np.uint8)
    mask = np.zeros(shape, bool)
    mask[0, 0] = True
    film.show(rgb)
    film.answer([])
    film.tracker.mark()
    answer = grounding([])
    answer.masks, answer.scores = mask[None], np.ones(1, np.float32)
    film.tracker.accept([answer])
    np.testing.assert_array_equal(film.masks[0], mask)
    film.show(rgb)
    assert film.tracked.ids in ((1,), ())


@pytest.mark.parametrize(
    ("place", "pixel"), [((0, 0), (0, 0)), ((700, 301), (23, 10)), ((1079, 1919), (35, 63))]
)
def test_what_is_far_smaller_than_a_pixel_keeps_one(
    film: Film, place: tuple[int, int], pixel: tuple[int, int]
) -> None:
    rgb = np.random.default_rng(0).integers(0, 255, (1080, 1920, 3), np.uint8)
    large, dot = np.zeros((2, 1080, 1920), bool)
    large[100:500, 100:500] = dot[place] = True
    film.tracker.see(rgb, 0.0, 64)
    film.tracker.mark()
    answer = grounding([])
    answer.masks, answer.scores = np.stack([large, dot]), np.ones(2, np.float32)
    film.tracker.accept([answer])
    assert film.tracked.ids == (1, 2)
    np.testing.assert_array_equal(film.masks[1], dot)
    small = outline_of(dot, np.zeros((36, 64, 3), np.uint8)).small
    assert np.argwhere(small).tolist() == [list(pixel)]


def test_memory_stays(film: Film) -> None:
    """Thirty new things a second, each of which is seen once."""
    rgb, _ = scene()
    places = [(x, y) for x in range(20, 320, 40) for y in range(20, 240, 40)]
    answers = [[mask] for mask in scene([Disc(*place, radius=6) for place in places])[1]]

    def second() -> None:
        for answer in itertools.islice(shown, 30):
            film.show(rgb)
            film.answer(answer)

    shown = itertools.cycle(answers)
    tracemalloc.start()
    for _ in range(3):
        second()
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(4):
        second()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert film.tracked.ids == (7 * 30,)
    assert after - before < 1e6  # the small mask of one thing takes 77e3; of all, 9e6
