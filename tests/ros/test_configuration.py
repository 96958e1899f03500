"""The files in config/ say what the node understands."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from sam3i_model.intrinsics import Intrinsics
from sam3i_ros.geometry import LiftOptions, lift, ray_grid
from sam3i_ros.parameters import DEPTH_TRANSPORTS, IMAGE_TRANSPORTS, PARAMETERS, Settings

CONFIG = Path(__file__).resolve().parents[2] / "config"
CAMERAS = sorted((CONFIG / "cameras").glob("*.yaml"))


def test_params_file_states_the_defaults() -> None:
    stated = yaml.safe_load((CONFIG / "params.yaml").read_text())["/**"]["ros__parameters"]
    assert stated == {name: PARAMETERS[name].default for name in stated}


def test_params_file_names_every_parameter() -> None:
    lines = re.findall(r"^    (?:# )?(\w+: .*)$", (CONFIG / "params.yaml").read_text(), re.M)
    known = [line for line in lines if line.partition(":")[0] in PARAMETERS]
    examples = yaml.safe_load("\n".join(known))
    assert examples.keys() == PARAMETERS.keys()
    assert Settings(**{**examples, "target_frame": "base_link"}).instructions


@pytest.mark.parametrize("path", CAMERAS, ids=lambda path: path.stem)
def test_camera_names_all_that_the_launch_file_needs(path: Path) -> None:
    camera = yaml.safe_load(path.read_text())
    transports = (camera.pop("image_transport"), camera.pop("depth_transport"))
    assert transports[0] in IMAGE_TRANSPORTS
    assert transports[1] in DEPTH_TRANSPORTS
    assert camera.pop("frame").endswith(("_optical_frame", "_frame_optical"))
    assert camera.keys() == {"image", "depth", "camera_info"}
    assert all(topic.startswith("/") for topic in camera.values())


def test_there_is_a_file_for_every_camera_and_no_other() -> None:
    assert [path.stem for path in CAMERAS] == ["oak", "orbbec", "realsense", "sim", "zed"]


def test_the_fewest_points_allowed_are_enough_for_3d() -> None:
    fewest, _ = PARAMETERS["max_points"].range or (0, 0)
    depth = np.ones((120, 160), np.float32)
    rays = ray_grid(Intrinsics(160, 120, 130.0, 130.0, 79.5, 59.5))
    for radius in range(4, 55):
        mask = cv2.circle(np.zeros((120, 160), np.uint8), (80, 60), radius, 1, -1).view(bool)
        assert lift(mask, depth, rays, LiftOptions(max_points=int(fewest))), radius
