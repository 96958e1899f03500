"""Pairing and dropping of camera messages, with a clock that the test turns."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from sensor_msgs.msg import CameraInfo, Image

from sam3i_model.decoding import depth_from_image
from sam3i_ros.camera import DEPTH_SILENT, CameraBuffer, RawFrame, stamp_ns
from sam3i_ros.messages import image_msg

MS = 1_000_000
DEPTH_WAIT = 0.1  # s


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Drops:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self, count: int) -> None:
        self.count += count


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def drops() -> Drops:
    return Drops()


@pytest.fixture
def paired(clock: Clock, drops: Drops) -> CameraBuffer:
    buffer = CameraBuffer(True, 0.02, DEPTH_WAIT, "/depth", drops, clock)
    buffer.add_info(info())
    return buffer


def image(stamp_ms: float, array: np.ndarray | None = None, encoding: str = "rgb8") -> Image:
    array = np.zeros((4, 6, 3), np.uint8) if array is None else array
    message = image_msg(array, encoding, Image().header)
    ns = round(stamp_ms * MS)
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(ns, 10**9)
    message.header.frame_id = "camera"
    return message


def depth(stamp_ms: float, array: np.ndarray | None = None) -> Image:
    array = np.full((4, 6), 1000, np.uint16) if array is None else array
    return image(stamp_ms, array, "16UC1" if array.dtype == np.uint16 else "32FC1")


def info(width: int = 6, height: int = 4, focal: float = 5.0) -> CameraInfo:
    k = [focal, 0.0, 2.5, 0.0, focal, 1.5, 0.0, 0.0, 1.0]
    return CameraInfo(width=width, height=height, k=k)


def taken(buffer: CameraBuffer) -> RawFrame:
    raw = buffer.take(0)
    assert raw is not None
    return raw


def milliseconds(raw: RawFrame) -> float:
    return stamp_ns(raw.image) / MS


def test_without_depth_the_newest_image_wins(clock: Clock, drops: Drops) -> None:
    buffer = CameraBuffer(False, 0.02, DEPTH_WAIT, "/depth", drops, clock)
    assert buffer.take(0) is None
    for stamp in (10, 20, 30):
        buffer.add_image(image(stamp))
    raw = taken(buffer)
    assert milliseconds(raw) == 30
    assert raw.no_depth == "depth is off (depth_transport: none)"
    assert drops.count == 2
    assert buffer.take(0) is None


@pytest.mark.parametrize("depth_first", [True, False])
def test_pairs_by_stamp(paired: CameraBuffer, depth_first: bool) -> None:
    messages = [(paired.add_depth, depth(120)), (paired.add_image, image(100))]
    for add, message in messages if depth_first else messages[::-1]:
        add(message)
    raw = taken(paired)
    assert raw.depth is not None
    assert (milliseconds(raw), stamp_ns(raw.depth) / MS, raw.no_depth) == (100, 120, "")


def test_nearest_depth_is_taken(paired: CameraBuffer) -> None:
    for stamp in (95, 104, 112):
        paired.add_depth(depth(stamp))
    paired.add_image(image(102))
    assert stamp_ns(taken(paired).depth) == 104 * MS


@pytest.mark.parametrize("stamp", [0, 100])
def test_of_depths_with_one_stamp_the_newest_is_taken(paired: CameraBuffer, stamp: int) -> None:
    for millimetres in (1, 2, 3):
        paired.add_depth(depth(stamp, np.full((4, 6), millimetres, np.uint16)))
    paired.add_image(image(stamp))
    np.testing.assert_array_equal(depth_from_image(taken(paired).depth), np.full((4, 6), 3))


def test_newest_pair_wins_over_older_pairs_and_unpaired(paired: CameraBuffer, drops: Drops) -> None:
    for stamp in (0, 33, 66):
        paired.add_image(image(stamp))
        paired.add_depth(depth(stamp))
    paired.add_image(image(100))  # its depth is still to come
    assert milliseconds(taken(paired)) == 66
    assert drops.count == 2
    paired.add_depth(depth(100))
    assert milliseconds(taken(paired)) == 100
    assert drops.count == 2


def test_the_first_image_waits_for_camera_info(clock: Clock, drops: Drops) -> None:
    buffer = CameraBuffer(True, 0.02, DEPTH_WAIT, "/depth", drops, clock)
    buffer.add_image(image(0))
    buffer.add_depth(depth(0))
    assert buffer.take(0) is None
    buffer.add_info(info())
    assert taken(buffer).info is not None


def test_a_camera_that_begins_late_is_waited_for_as_well(
    paired: CameraBuffer, clock: Clock
) -> None:
    clock.now += 60
    paired.add_image(image(0))
    assert paired.take(0) is None
    clock.now += DEPTH_WAIT / 2
    paired.add_depth(depth(0))
    assert taken(paired).no_depth == ""


def test_camera_info_is_not_waited_for_again(clock: Clock, drops: Drops) -> None:
    buffer = CameraBuffer(True, 0.02, DEPTH_WAIT, "/depth", drops, clock)
    buffer.add_image(image(0))
    buffer.add_depth(depth(0))
    clock.now += DEPTH_WAIT + 0.001
    raw = taken(buffer)
    assert (raw.info, raw.no_depth) == (None, "")
    buffer.add_image(image(100))
    buffer.add_depth(depth(100))
    assert taken(buffer).depth is not None


def test_every_image_of_a_recording_comes_in_its_order(clock: Clock, drops: Drops) -> None:
    buffer = CameraBuffer(True, 0.02, DEPTH_WAIT, "/depth", drops, clock, every=True)
    buffer.add_info(info())
    for stamp in (0, 33, 66):
        buffer.add_image(image(stamp))
    buffer.add_depth(depth(33))
    assert buffer.take(0) is None  # the first may still get its depth
    clock.now += 0.5
    assert buffer.take(0) is None
    buffer.add_depth(depth(0))
    assert [milliseconds(taken(buffer)) for _ in range(2)] == [0, 33]
    clock.now += 3.0  # a slow camera is not a silent one
    buffer.add_image(image(3500))
    assert taken(buffer).no_depth.startswith("no depth image within sync_slop")
    assert buffer.take(0) is None
    buffer.add_depth(depth(3500))
    assert taken(buffer).depth is not None
    assert drops.count == 0


def test_a_recording_without_depth_does_not_pile_up(clock: Clock, drops: Drops) -> None:
    buffer = CameraBuffer(True, 0.02, DEPTH_WAIT, "/depth", drops, clock, every=True)
    buffer.add_info(info())
    got = []
    for stamp in range(100):
        buffer.add_image(image(stamp))
        raw = buffer.take(0)
        got += [milliseconds(raw)] if raw else []
    assert got == list(range(40))  # as many wait as a camera of 60 Hz sends in a second
    assert drops.count == 0


@pytest.mark.parametrize("late", [500, -400])
def test_depth_of_a_recording_may_come_long_after_its_image_or_before(
    clock: Clock, drops: Drops, late: int
) -> None:
    """60 frames at 30 Hz."""
    buffer = CameraBuffer(True, 0.01, DEPTH_WAIT, "/depth", drops, clock, every=True)
    buffer.add_info(info())
    stamps = [33 * n for n in range(60)]
    recorded = [(stamp, buffer.add_image, image(stamp)) for stamp in stamps]
    recorded += [(stamp + late, buffer.add_depth, depth(stamp)) for stamp in stamps]
    got = []
    for moment, add, message in sorted(recorded, key=lambda line: line[0]):
        clock.now = 100 + moment / 1000
        add(message)
        while raw := buffer.take(0):
            got.append((milliseconds(raw), stamp_ns(raw.depth) / MS))
    assert got == [(stamp, stamp) for stamp in stamps]


def test_waits_for_depth_but_not_for_ever(paired: CameraBuffer, clock: Clock) -> None:
    for stamp in (0, 40):
        paired.add_depth(depth(stamp))
    paired.add_image(image(100))
    assert paired.take(0) is None
    clock.now += DEPTH_WAIT + 0.001
    raw = taken(paired)
    assert raw.depth is None
    assert raw.no_depth == (
        "no depth image within sync_slop (0.02 s) of the image (the nearest is 60 ms away)"
    )


def test_of_images_that_waited_in_vain_the_newest_is_taken(
    paired: CameraBuffer, clock: Clock, drops: Drops
) -> None:
    for stamp in (0, 33):
        paired.add_image(image(stamp))
    clock.now += DEPTH_WAIT
    assert milliseconds(taken(paired)) == 33
    assert drops.count == 1
    assert paired.take(0) is None


def test_depth_may_be_waited_for_longer(paired: CameraBuffer, clock: Clock) -> None:
    """A depth stream 300 ms behind a 30 Hz colour stream, which is more images than usual."""
    paired.depth_wait = 0.4
    for index in range(30):
        paired.add_image(image(33 * index))
        if index >= 9:
            paired.add_depth(depth(33 * (index - 9)))
            raw = taken(paired)
            assert (milliseconds(raw), raw.no_depth) == (33 * (index - 9), "")
        else:
            assert paired.take(0) is None
        clock.now += 0.033


def test_depth_later_than_the_next_image(paired: CameraBuffer, clock: Clock) -> None:
    """A depth stream 50 ms behind a 30 Hz colour stream still gives 3D in every frame taken."""
    paired.add_image(image(0))
    clock.now += 0.033
    paired.add_image(image(33))
    clock.now += 0.017
    paired.add_depth(depth(0))
    raw = taken(paired)
    assert (milliseconds(raw), raw.no_depth) == (0, "")


def test_a_quick_camera_s_image_does_not_take_the_depth_before(
    paired: CameraBuffer, clock: Clock
) -> None:
    """At 60 Hz the frame before is within sync_slop."""
    for stamp in (0, 17):
        paired.add_image(image(stamp))
    paired.add_depth(depth(0))
    raw = taken(paired)
    assert (milliseconds(raw), stamp_ns(raw.depth)) == (0, 0)
    paired.add_image(image(34))
    paired.add_depth(depth(17))
    paired.add_depth(depth(34))
    raw = taken(paired)
    assert (milliseconds(raw), stamp_ns(raw.depth) / MS) == (34, 34)
    paired.add_image(image(51))  # its own depth is still to come
    assert paired.take(0) is None
    paired.add_depth(depth(51))
    raw = taken(paired)
    assert (milliseconds(raw), stamp_ns(raw.depth) / MS) == (51, 51)


@pytest.mark.parametrize(("period", "older"), [(33, 1), (33, 10), (100, 15), (17, 5)])
def test_a_camera_whose_depth_is_a_little_older_does_not_wait(
    paired: CameraBuffer, period: int, older: int
) -> None:
    for stamp in range(period, 5 * period, period):
        paired.add_depth(depth(stamp - older))
        paired.add_image(image(stamp))
        raw = paired.take(0)
        if stamp > 2 * period:  # by then it is known how often they come
            assert raw is not None
            assert stamp_ns(raw.depth) == (stamp - older) * MS


@pytest.mark.parametrize("copies", [1, 2])  # a driver may send one twice
@pytest.mark.parametrize(("older", "answered"), [(10, True), (11, False)])
def test_a_depth_that_is_half_a_period_older_is_the_frames_own(
    paired: CameraBuffer, older: int, answered: bool, copies: int
) -> None:
    for stamp in [80] * copies + [100] * copies:
        paired.add_depth(depth(stamp))
    paired.add_image(image(100 + older))
    assert (paired.take(0) is not None) == answered


def test_an_older_depth_is_taken_at_once_if_the_next_one_is_farther(paired: CameraBuffer) -> None:
    for stamp in (72, 82, 92, 110):
        paired.add_depth(depth(stamp))
    paired.add_image(image(100))
    assert stamp_ns(taken(paired).depth) == 92 * MS


def test_a_depth_goes_with_one_image(paired: CameraBuffer) -> None:
    for stamp in (60, 80, 100):
        paired.add_depth(depth(stamp))
    paired.add_image(image(100))
    assert taken(paired).depth is not None
    paired.add_image(image(105))
    assert paired.take(0) is None


def test_images_between_those_with_depth_are_dropped(paired: CameraBuffer, clock: Clock) -> None:
    """At 30 and 10 Hz, the depth 5 ms older."""
    answered = []
    for stamp in range(100, 1100, 33):
        clock.now += 0.033
        if (stamp - 100) % 99 == 0:
            paired.add_depth(depth(stamp - 5))
        paired.add_image(image(stamp))
        if raw := paired.take(0):
            answered.append(raw)
    assert len(answered) >= 10
    assert all(raw.depth for raw in answered[1:])


def test_an_older_depth_is_taken_when_no_other_comes(paired: CameraBuffer, clock: Clock) -> None:
    paired.add_depth(depth(95))
    paired.add_image(image(100))
    assert paired.take(0) is None
    clock.now += DEPTH_WAIT + 0.001
    assert stamp_ns(taken(paired).depth) == 95 * MS


def test_silent_depth_is_not_waited_for(paired: CameraBuffer, clock: Clock) -> None:
    paired.add_image(image(0))
    clock.now += DEPTH_SILENT + 0.1
    paired.add_image(image(10))
    assert taken(paired).no_depth == "no depth image has come on /depth"
    paired.add_depth(depth(20))
    paired.add_image(image(200))
    assert paired.take(0) is None
    clock.now += DEPTH_SILENT + 0.1
    paired.add_image(image(300))
    assert taken(paired).no_depth == "depth images have stopped coming on /depth"


def test_stamps_may_jump_back(paired: CameraBuffer) -> None:
    """A recording that begins again is newer than its end."""
    for stamp in (5000, 5033, 10, 43):
        paired.add_image(image(stamp))
        paired.add_depth(depth(stamp))
    assert milliseconds(taken(paired)) == 43


def test_memory_is_bounded(paired: CameraBuffer, drops: Drops) -> None:
    for i in range(100):
        paired.add_image(image(i * 100))  # never a partner, never taken
    assert len(paired._images) == 8
    assert drops.count == 92
    for i in range(100):
        paired.add_depth(depth(10**6 + i * 100))
    assert len(paired._depths) == 8


def test_take_wakes_up_and_gives_up(drops: Drops) -> None:
    buffer = CameraBuffer(False, 0.02, DEPTH_WAIT, on_drop=drops)
    threading.Timer(0.05, buffer.add_image, [image(7)]).start()
    start = time.monotonic()
    raw = buffer.take(5)
    assert raw is not None
    assert 0.04 < time.monotonic() - start < 1
    threading.Timer(0.05, buffer.close).start()
    assert buffer.take(5) is None
    assert time.monotonic() - start < 2


@pytest.mark.parametrize("comes", [True, False])
def test_take_ends_when_depth_comes_or_is_given_up(comes: bool) -> None:
    buffer = CameraBuffer(True, 0.02, depth_wait=60.0 if comes else 0.01)
    buffer.add_info(info())
    buffer.add_image(image(7))
    got: list[RawFrame | None] = []
    take = threading.Thread(target=lambda: got.append(buffer.take(60)), daemon=True)
    take.start()
    take.join(0.05 if comes else 10)
    if comes:
        buffer.add_depth(depth(7))
        take.join(10)
    assert [raw.depth is not None for raw in got if raw] == [comes]
    buffer.close()


def test_wait_ends_with_a_frame_what_was_waited_for_or_close() -> None:
    buffer = CameraBuffer(False, 0.02, DEPTH_WAIT)
    done: list[bool] = []
    wait = threading.Thread(target=buffer.wait, args=[lambda: bool(done)])
    wait.start()
    buffer.nudge()
    wait.join(0.05)
    assert wait.is_alive()
    done.append(True)
    buffer.nudge()
    wait.join(10)
    assert not wait.is_alive()
    buffer.add_image(image(7))
    buffer.wait(lambda: False)
    assert buffer.take(0.0) is not None  # it is still there
    buffer.close()
    buffer.wait(lambda: False)


@pytest.mark.parametrize(("use_depth", "most"), [(True, 20), (False, 1)])
def test_waiting_does_not_spin(use_depth: bool, most: int) -> None:
    buffer = CameraBuffer(use_depth, 0.02, depth_wait=0.0)
    looks: list[bool] = []

    def done() -> bool:
        looks.append(False)
        return False

    threading.Timer(0.1, buffer.close).start()
    buffer.wait(done)
    assert 1 <= len(looks) <= most
