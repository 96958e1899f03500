"""Transforms with exact numbers; TF is imitated, as it only comes with a ROS install."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from sam3i_ros.transforms import TransformError, make_transforms, matrix_from_pose

HALF = 0.5**0.5
# A camera 1 m up that looks along x: its z is the target's x, its x the target's -y.
OPTICAL = [0.2, 0.0, 1.0, -0.5, 0.5, -0.5, 0.5]


def test_quarter_turn_about_z() -> None:
    matrix = matrix_from_pose([1, 2, 3], [0, 0, HALF, HALF])
    np.testing.assert_allclose(matrix @ [1, 0, 0, 1], [1, 3, 3, 1], atol=1e-12)


@pytest.mark.parametrize("turn", [*Rotation.random(3, random_state=0)])
def test_any_turn(turn: Rotation) -> None:
    matrix = matrix_from_pose([1, 2, 3], turn.as_quat())
    np.testing.assert_allclose(matrix[:3, :3], turn.as_matrix(), atol=1e-12)
    np.testing.assert_array_equal(matrix[:, 3], [1, 2, 3, 1])


def test_optical_frame() -> None:
    matrix = make_transforms(None, OPTICAL).lookup("base_link", "camera", 0)
    np.testing.assert_allclose(matrix @ [0, 0, 2, 1], [2.2, 0, 1, 1], atol=1e-12)
    np.testing.assert_allclose(matrix @ [1, 0, 2, 1], [2.2, -1, 1, 1], atol=1e-12)
    np.testing.assert_allclose(matrix @ [0, 1, 2, 1], [2.2, 0, 0, 1], atol=1e-12)


def test_quaternion_is_normalised() -> None:
    long = matrix_from_pose([0, 0, 0], [0, 0, 3, 3])
    np.testing.assert_allclose(long, matrix_from_pose([0, 0, 0], [0, 0, HALF, HALF]), atol=1e-12)


@pytest.mark.parametrize(
    ("translation", "quaternion"),
    [
        ([0, 0, 0], [0, 0, 0, 0]),
        ([float("nan"), 0, 0], [0, 0, 0, 1]),
        ([0, 0, 0], [0, 0, 0, np.inf]),
    ],
)
def test_impossible_pose(translation: list[float], quaternion: list[float]) -> None:
    with pytest.raises(ValueError, match="finite"):
        matrix_from_pose(translation, quaternion)


def test_no_source_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tf2_ros", None)
    with pytest.raises(TransformError, match=r"camera to base_link.*camera_to_target"):
        make_transforms(None, []).lookup("base_link", "camera", 0)


class FakeTf2(ModuleType):
    """As much of tf2_ros as is used; knows one transform, from stamp 5 s on."""

    class TransformException(Exception):
        pass

    class TransformListener:
        listening = 0

        def __init__(self, buffer: object, node: object) -> None:
            assert isinstance(buffer, FakeTf2.Buffer)
            type(self).listening += 1

        def unregister(self) -> None:
            type(self).listening -= 1

    class Buffer:
        cleared = 0

        def clear(self) -> None:
            type(self).cleared += 1

        def lookup_transform(self, target: str, source: str, when, timeout) -> SimpleNamespace:
            if when.nanoseconds < 5_000_000_000:
                raise FakeTf2.TransformException("would need extrapolation\ninto the past")
            assert (target, source) == ("base_link", "camera")
            t = SimpleNamespace(x=0.0, y=0.0, z=when.nanoseconds / 1e9)
            q = SimpleNamespace(x=0.0, y=0.0, z=0.0, w=1.0)
            return SimpleNamespace(transform=SimpleNamespace(translation=t, rotation=q))


def test_tf_is_asked_at_the_stamp(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tf2_ros", FakeTf2("tf2_ros"))
    transforms = make_transforms(None, [])
    assert transforms.name == "TF"
    matrix = transforms.lookup("base_link", "camera", 6_500_000_000)
    assert matrix[2, 3] == 6.5
    with pytest.raises(TransformError, match=r"extrapolation into the past.*tf2_echo") as error:
        transforms.lookup("base_link", "camera", 1_000_000_000)
    assert "\n" not in str(error.value)
    transforms.close()
    assert FakeTf2.TransformListener.listening == 0


def test_a_recording_that_begins_again_is_not_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tf2_ros", FakeTf2("tf2_ros"))
    transforms = make_transforms(None, [])
    before = FakeTf2.Buffer.cleared
    for seconds, cleared in ((60, 0), (61, 0), (60.5, 0), (6, 1), (7, 1), (70, 1), (6, 2)):
        transforms.lookup("base_link", "camera", int(seconds * 1e9))
        assert FakeTf2.Buffer.cleared - before == cleared
    transforms.close()


def test_a_given_extrinsic_goes_before_tf(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tf2_ros", FakeTf2("tf2_ros"))
    assert "camera_to_target" in make_transforms(None, OPTICAL).name
