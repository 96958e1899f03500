"""The film and the tote as recordings: what is written is what comes back, and it is true."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from rosbags.highlevel import AnyReader

from training.world import bag, tote
from training.world.asking import instructions
from training.world.bag import Shot, write_bag
from training.world.materials import Material
from training.world.scene import Pose, place
from training.world.sequence import camera_at, film, measured
from training.world.shapes.form import Form, sphere

Messages = dict[str, list[tuple[int, Any]]]


def read(path: Path) -> Messages:
    found: Messages = defaultdict(list)
    with AnyReader([path]) as reader:
        for connection, stamp, data in reader.messages():
            message = reader.deserialize(data, connection.msgtype)
            found[connection.topic].append((stamp, message))
    return found


def stamp_of(message: Any) -> int:
    return message.header.stamp.sec * 10**9 + message.header.stamp.nanosec


def labels_of(message: Any) -> np.ndarray:
    assert message.encoding == "16UC1"
    assert message.step == 2 * message.width
    return message.data.view("<u2").reshape(message.height, message.width)


def depth_of(message: Any) -> np.ndarray:
    assert message.format == "16UC1; compressedDepth png"
    assert bytes(message.data[12:16]) == b"\x89PNG"
    return cv2.imdecode(message.data[12:], cv2.IMREAD_UNCHANGED)


@pytest.fixture(scope="module")
def shots() -> list[Shot]:
    return list(film(7, 5, 10.0, 320, 240, lambda: None))


@pytest.fixture(scope="module")
def recording(shots: list[Shot], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bags") / "film"
    write_bag(path, shots)
    return path


def test_every_topic_has_every_frame_at_its_stamp(recording: Path, shots: list[Shot]):
    found = read(recording)
    assert set(found) == {
        "/camera/color/image_raw/compressed",
        "/camera/aligned_depth_to_color/image_raw/compressedDepth",
        "/camera/color/camera_info",
        "/truth/labels",
        "/truth/scene",
    }
    stamps = [shot.stamp for shot in shots]
    assert np.diff(stamps).tolist() == [100_000_000] * 4
    for topic, messages in found.items():
        assert [stamp for stamp, _ in messages] == stamps
        if topic == bag.SCENE:
            assert [json.loads(m.data)["stamp_ns"] for _, m in messages] == stamps
        else:
            assert [stamp_of(m) for _, m in messages] == stamps
            assert {m.header.frame_id for _, m in messages} == {"camera_color_optical_frame"}


def test_what_was_written_comes_back(recording: Path, shots: list[Shot]):
    found = read(recording)
    for index, shot in enumerate(shots):
        colour = found[bag.COLOUR][index][1]
        assert "jpeg" in colour.format
        rgb = cv2.imdecode(colour.data, cv2.IMREAD_COLOR)[..., ::-1].astype(int)
        assert np.abs(rgb - shot.rgb).mean() < 3
        millimetres = depth_of(found[bag.DEPTH][index][1])
        assert np.array_equal(millimetres == 0, np.isnan(shot.depth))
        known = millimetres > 0
        assert np.abs(millimetres[known] - shot.depth[known] * 1000).max() <= 0.501
        assert np.array_equal(labels_of(found[bag.LABELS][index][1]), shot.labels)
        info = found[bag.CAMERA_INFO][index][1]
        assert (info.width, info.height) == (320, 240)
        assert info.k.tolist() == shot.matrix.reshape(-1).tolist()
        assert info.p.reshape(3, 4)[:, :3].tolist() == shot.matrix.tolist()
        truth = json.loads(found[bag.SCENE][index][1].data)
        assert truth["objects"] == shot.objects
        assert truth["instructions"] == shot.instructions


def test_true_centroids_are_where_depth_and_labels_say(shots: list[Shot]):
    for shot in shots:
        assert len(shot.objects) == 12
        for thing in shot.objects:
            mask = (shot.labels == thing["label"]) & np.isfinite(shot.depth)
            rows, columns = np.nonzero(mask)
            z = shot.depth[mask]
            x = (columns - shot.matrix[0, 2]) / shot.matrix[0, 0] * z
            y = (rows - shot.matrix[1, 2]) / shot.matrix[1, 1] * z
            # Depth is missing along edges, and small things and bowls are mostly edge.
            error = np.linalg.norm(np.array([x.mean(), y.mean(), z.mean()]) - thing["centroid"])
            assert error < (0.02 if thing["kind"] == "bowl" else 0.015)
            assert thing["name"].endswith(thing["kind"])


def test_answers_are_right_in_the_picture(shots: list[Shot]):
    asked = {i["id"]: i for shot in shots for i in shot.instructions}
    assert set(asked) == {
        *("mug", "coloured box", "bottles", "other kind", "absent"),
        *("leftmost", "closest", "beside", "need"),
    }
    for shot in shots:
        kinds = defaultdict(list)
        for thing in shot.objects:
            kinds[thing["kind"]].append(thing["label"])
        column = {t["label"]: np.nonzero(shot.labels == t["label"])[1].mean() for t in shot.objects}
        far = {t["label"]: t["centroid"][2] for t in shot.objects}
        answer = {i["id"]: i["labels"] for i in shot.instructions}
        assert answer["absent"] == []
        assert answer["mug"] == kinds["mug"]
        if "bottles" in answer:
            assert answer["bottles"] == kinds["bottle"]
        if "need" in answer:
            assert answer["need"] == kinds["ball"]
        if "leftmost" in answer:
            assert answer["leftmost"] == [min(kinds["bottle"], key=column.__getitem__)]
        if "closest" in answer:
            assert answer["closest"] == [min(kinds["ball"], key=far.__getitem__)]
        if "beside" in answer:
            mug = column[kinds["mug"][0]]
            assert answer["beside"] == [box for box in kinds["box"] if column[box] < mug]


def test_the_same_seed_films_the_same(shots: list[Shot]):
    again = next(iter(film(7, 5, 10.0, 320, 240, lambda: None)))
    assert np.array_equal(again.rgb, shots[0].rgb)
    assert np.array_equal(again.depth, shots[0].depth, equal_nan=True)
    assert again.instructions == shots[0].instructions


def test_the_camera_walks_and_comes_back():
    places = np.array([camera_at(share, 64, 48).position for share in np.linspace(0, 1, 81)])
    speed = np.linalg.norm(np.diff(places, axis=0), axis=1) / 0.1
    assert 0.1 < speed.mean() < 0.5
    assert speed.max() < 1.0
    assert np.linalg.norm(places[-1] - places[0]) < 1e-6


def test_an_existing_recording_is_not_overwritten(recording: Path, shots: list[Shot]):
    with pytest.raises(ValueError, match="exists already"):
        write_bag(recording, shots)


def test_an_interrupted_recording_leaves_nothing(tmp_path: Path, shots: list[Shot]):
    path = tmp_path / "film"

    def interrupted() -> Iterator[Shot]:
        yield shots[0]
        assert not path.exists()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_bag(path, interrupted())
    assert list(tmp_path.iterdir()) == []
    write_bag(path, shots[:1])
    assert {file.name for file in path.iterdir()} == {"film.mcap", "metadata.yaml"}
    assert len(read(path)[bag.COLOUR]) == 1


def test_rendering_needs_no_more_than_a_robot_has():
    """requirements/robot.txt, that is: demo.launch.py renders what it plays."""
    missing = ("pycocotools", "accelerate", "tensorboard", "psutil")
    block = f"import sys; sys.modules.update(dict.fromkeys({missing}))"
    needed = "import training.world.__main__, training.world.bag, training.world.sequence"
    subprocess.run([sys.executable, "-c", f"{block}; {needed}, training.world.tote"], check=True)


def record(label: int, x: int, visible: float = 1.0) -> dict[str, Any]:
    return {
        "label": label,
        "kind": "bottle",
        "color": "red",
        "viewer": [(x - 50) / 100, 0.5, 0.1],
        "size": [0.06, 0.06, 0.2],
        "box": [x, 20, x + 10, 60],
        "area": 400,
        "visible": visible,
    }


@pytest.mark.parametrize(
    ("second", "visible", "leftmost"),
    [(40, 1.0, [1]), (2, 1.0, [2]), (12, 1.0, None), (40, 0.3, None)],
)
def test_a_close_call_is_not_asked(second: int, visible: float, leftmost: list[int] | None):
    def stand(kind: str) -> Any:
        return place(kind, Form(sphere(0.05)), Material((), "red"), Pose((0, 0, 0), 0))

    bodies = [stand(kind) for kind in ("bottle", "bottle", "box", "ball", "mug")]
    asked = instructions(bodies, [record(1, 10), record(2, second, visible)], (100, 100))
    answers = {i["id"]: i["labels"] for i in asked}
    assert answers.get("leftmost") == leftmost
    assert "tallest" not in answers  # they are equally tall
    assert "mug" not in answers  # it is there but not in view
    assert answers["absent"] == []


def test_measured_depth_is_noisy_and_has_holes_at_edges():
    rng = np.random.default_rng(2)
    exact = np.full((120, 160), 1.0, np.float32)
    exact[:, 80:] = 2.0
    exact[:10] = np.nan
    seen = measured(exact, rng)
    assert np.isnan(seen[:10]).all()
    near, far = seen[20:, :70], seen[20:, 90:]
    assert np.nanstd(near) == pytest.approx(0.0015, rel=0.1)
    assert np.nanstd(far) == pytest.approx(0.006, rel=0.1)
    assert np.isnan(seen[20:, 79:81]).mean() > 0.7
    assert np.isnan(near).mean() < 0.05


@pytest.fixture(scope="module")
def tote_shot() -> Shot:
    return next(iter(tote.shots()))


def test_the_tote_is_recorded_without_loss(tmp_path: Path, tote_shot: Shot):
    write_bag(tmp_path / "tote", tote.shots(), lossless=True)
    found = read(tmp_path / "tote")
    stamps = [stamp for stamp, _ in found[bag.COLOUR]]
    assert np.diff(stamps).tolist() == [500_000_000] * 9
    colour = found[bag.COLOUR][9][1]
    assert "png" in colour.format
    assert np.array_equal(cv2.imdecode(colour.data, cv2.IMREAD_COLOR)[..., ::-1], tote_shot.rgb)
    millimetres = depth_of(found[bag.DEPTH][0][1])
    known = tote_shot.depth < 65.5
    assert known.mean() > 0.48
    assert np.abs(millimetres[known] - tote_shot.depth[known] * 1000).max() <= 0.501
    assert not millimetres[~known].any()
    info = found[bag.CAMERA_INFO][0][1]
    assert info.k[0] == pytest.approx(517.6198, abs=1e-3)


def test_what_is_asked_about_the_tote_is_true(tote_shot: Shot):
    names = {thing["name"]: thing for thing in tote_shot.objects}
    answer = {
        i["id"]: [t["name"] for t in tote_shot.objects if t["label"] in i["labels"]]
        for i in tote_shot.instructions
    }
    hsv = cv2.cvtColor(tote_shot.rgb, cv2.COLOR_RGB2HSV).astype(int)

    def hue(name: str) -> float:
        mask = (tote_shot.labels == names[name]["label"]) & (hsv[..., 1] > 90)
        return float(np.median(hsv[mask][:, 0]))

    def middle(name: str) -> np.ndarray:
        return np.array(np.nonzero(tote_shot.labels == names[name]["label"])).mean(1)

    assert answer["green box"] == answer["nearest"] == ["green box"]
    assert 45 < hue("green box") < 90
    assert answer["yellow package"] == ["yellow package"]
    assert 18 < hue("yellow package") < 35
    assert answer["scissors"] == answer["below"] == answer["purpose"] == ["pink scissors"]
    assert hue("pink scissors") > 160
    assert middle("pink scissors")[0] > middle("package of socks")[0] + 50
    assert answer["beside"] == ["red book"]
    assert middle("red book")[1] < middle("green box")[1] - 50
    assert answer["absent"] == []
    for thing in tote_shot.objects:
        assert 0.4 < thing["centroid"][2] < 0.75  # the tote is half a metre away
