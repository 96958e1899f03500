"""Meshes: smooth where they are round, sharp where they bend, resting where they are put."""

from __future__ import annotations

import numpy as np
import pytest

from training.world.mesh import cuboid, revolve
from training.world.scene import Pose, footprint, overlap, place
from training.world.shapes import NAMED, UNNAMED, sphere

ALL = {**NAMED, **UNNAMED}


def test_normals_of_a_ball_point_away_from_its_centre():
    ball = sphere(0.05)
    outward = (ball.vertices - [0, 0, 0.05]) / 0.05
    assert (ball.normals * outward).sum(1).min() > 0.995


def test_a_cylinder_keeps_its_edges_sharp():
    cylinder = revolve([(0, 0), (0.03, 0), (0.03, 0.1), (0, 0.1)])
    upright = np.abs(cylinder.normals[:, 2])
    assert np.all((upright < 1e-6) | (upright > 1 - 1e-6))
    wall = cylinder.normals[upright < 0.5]
    assert len(wall) == 2 * 32
    assert np.allclose(np.linalg.norm(wall[:, :2], axis=1), 1, atol=1e-5)


def test_normals_of_a_box_are_its_faces():
    box = cuboid(0.1, 0.2, 0.3)
    corners = box.vertices[box.triangles]
    flat = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    assert np.allclose(box.normals[box.triangles[:, 0]], flat, atol=1e-6)
    outward = corners.mean(1) - [0, 0, 0.15]
    assert np.all((flat * outward).sum(1) > 0)


@pytest.mark.parametrize("shape", ALL)
@pytest.mark.parametrize("lying", [False, True])
def test_a_thing_rests_at_its_pose_with_its_size(shape: str, lying: bool):
    mesh = ALL[shape](np.random.default_rng(4))
    pose = Pose((0.2, -0.1, 0.05), 0.7, lying)
    body = place(shape, "red", mesh, None, pose)  # type: ignore[arg-type]
    world = mesh.vertices @ body.rotation.T + body.translation
    c, s = np.cos(pose.turn), np.sin(pose.turn)
    unturned = (world - [0.2, -0.1, 0.05]) @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    low, high = unturned.min(0), unturned.max(0)
    assert np.allclose(high - low, body.size, atol=1e-6)
    assert np.allclose(low, [-body.size[0] / 2, -body.size[1] / 2, 0], atol=1e-6)
    assert np.allclose(body.centre, [0.2, -0.1, 0.05 + body.size[2] / 2])
    assert body.kind == (shape if shape in NAMED else None)


def test_footprints_overlap_only_where_they_share_ground():
    size = np.array([0.1, 0.02, 0.1])
    here = footprint(size, Pose((0.0, 0.0, 0.0), 0.0))
    assert overlap(here, footprint(size, Pose((0.0, 0.015, 0.0), 0.0)))
    assert not overlap(here, footprint(size, Pose((0.0, 0.03, 0.0), 0.0)))
    assert overlap(here, footprint(size, Pose((0.0, 0.03, 0.0), np.pi / 2)))
    assert not overlap(here, footprint(size, Pose((0.12, 0.0, 0.0), 0.0)))
