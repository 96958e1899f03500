"""Meshes: smooth where they are round, sharp where they bend, resting where they are put."""

from __future__ import annotations

import numpy as np
import pytest

from training.world.layout import Heap, Thing, footprint, overlap
from training.world.materials import Material
from training.world.mesh import Mesh, cuboid, prism, revolve
from training.world.scene import Pose, place
from training.world.shapes import INVERTED, LYING, SHAPES, STANDING
from training.world.shapes.form import CONTENTS, Form, sphere

VARIANTS = 5


def variants(shape: str) -> list[Form]:
    return [SHAPES[shape].make(np.random.default_rng((4, index))) for index in range(VARIANTS)]


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


def test_a_plate_with_a_notch_has_the_area_of_its_outline():
    outline = [(0, 0), (4, 0), (4, 3), (2, 1), (0, 3)]  # not convex
    plate = prism(outline, 2.0)
    assert volume(plate) == pytest.approx(2.0 * (12 - 4))


def volume(mesh: Mesh) -> float:
    a, b, c = (mesh.vertices[mesh.triangles[:, i]].astype(np.float64) for i in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


def boundary(mesh: Mesh) -> int:
    """Edges that are not used once in each direction by triangles of the welded mesh."""
    _, weld = np.unique(np.round(mesh.vertices, 6), axis=0, return_inverse=True)
    faces = weld.reshape(-1)[mesh.triangles]
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    edges = edges[edges[:, 0] != edges[:, 1]]
    sides = np.sign(edges[:, 1] - edges[:, 0])
    codes = edges.min(1).astype(np.int64) * (weld.max() + 1) + edges.max(1)
    _, slot = np.unique(codes, return_inverse=True)
    return int(np.count_nonzero(np.bincount(slot.reshape(-1), sides)))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_is_closed_and_stands_on_the_ground(shape: str):
    for form in variants(shape):
        mesh = form.mesh
        assert boundary(mesh) == 0
        assert volume(mesh) > 0  # the triangles face outwards
        assert mesh.vertices[:, 2].min() == pytest.approx(0, abs=1e-4)
        extent = np.ptp(mesh.vertices, axis=0)
        assert extent.max() < 0.5
        assert extent.min() > 0.002
        assert len(mesh.groups) == len(mesh.triangles)
        assert set(mesh.groups) == set(range(len(mesh.names)))


def test_variants_of_a_shape_differ():
    for shape in SHAPES:
        sizes = {tuple(np.round(np.ptp(form.mesh.vertices, 0), 4)) for form in variants(shape)}
        assert len(sizes) > 1, shape


@pytest.mark.parametrize("shape", ["mug", "hammer", "laptop", "bottle", "kettle", "key"])
@pytest.mark.parametrize("rest", [STANDING, LYING, INVERTED])
@pytest.mark.parametrize("tilt", [(0.0, 0.0), (0.3, -0.2)])
def test_a_thing_rests_at_its_pose_with_its_size(shape: str, rest: str, tilt: tuple[float, float]):
    form = variants(shape)[0]
    pose = Pose((0.2, -0.1, 0.05), 0.7, rest, tilt)
    body = place(shape, form, Material((), "red"), pose)
    world = form.mesh.vertices @ body.rotation.T + body.translation
    c, s = np.cos(pose.turn), np.sin(pose.turn)
    unturned = (world - [0.2, -0.1, 0.05]) @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    low, high = unturned.min(0), unturned.max(0)
    assert np.allclose(high - low, body.size, atol=1e-5)
    assert np.allclose(low, [-body.size[0] / 2, -body.size[1] / 2, 0], atol=1e-5)
    assert np.allclose(body.centre, [0.2, -0.1, 0.05 + body.size[2] / 2])
    assert body.resting == (None if any(tilt) else rest)


def test_what_is_upside_down_has_its_mouth_below():
    cup = next(form for form in variants("cup") if form.states == ("empty",))
    body = place("cup", cup, Material((), "red"), Pose((0, 0, 0), 0.0, INVERTED))
    world = cup.mesh.vertices @ body.rotation.T + body.translation
    rim = np.hypot(*world[:, :2].T) > 0.95 * np.hypot(*world[:, :2].T).max()
    assert world[rim, 2].max() < 0.1 * body.size[2]


@pytest.mark.parametrize("shape", ["mug", "bowl", "glass", "pot", "bucket", "jar"])
def test_full_means_that_there_are_contents(shape: str):
    seen = set()
    for index in range(40):
        form = SHAPES[shape].make(np.random.default_rng(index))
        full = "full" in form.states
        assert full == (CONTENTS in form.mesh.names)
        assert not (full and "empty" in form.states)
        seen.add(full)
        if full:
            group = form.mesh.names.index(CONTENTS)
            inside = form.mesh.vertices[form.mesh.triangles[form.mesh.groups == group]]
            assert inside[..., 2].max() <= form.mesh.vertices[:, 2].max() + 1e-6
    assert seen == {True, False}


def test_open_laptops_books_and_boxes_are_higher_or_wider():
    for shape, axis in (("laptop", 2), ("book", 0)):
        sizes: dict[str, list[float]] = {"open": [], "closed": []}
        for index in range(40):
            form = SHAPES[shape].make(np.random.default_rng(index))
            sizes[form.states[0]].append(float(np.ptp(form.mesh.vertices[:, axis])))
        assert min(sizes["open"]) > max(sizes["closed"]), shape
    boxes = [SHAPES["box"].make(np.random.default_rng(index)) for index in range(40)]
    assert {form.states for form in boxes} == {("open",), ("closed",)}
    assert all(("flaps/flap" in f.mesh.names) == (f.states == ("open",)) for f in boxes)


def test_what_falls_comes_to_rest_on_what_is_there():
    heap = Heap()
    rng = np.random.default_rng(3)
    base = Form(cuboid(0.2, 0.2, 0.1))
    heap.add(place("box", base, Material((), None), Pose((0, 0, 0), 0.0)))
    small = Thing("block", Form(cuboid(0.04, 0.04, 0.04)), "", np.full(3, 0.04))
    assert heap.drop(small, (0.02, -0.01), 0.0, rng).at[2] == pytest.approx(0.1, abs=0.002)
    assert heap.drop(small, (0.3, 0.0), 0.0, rng).at[2] == pytest.approx(0.0, abs=1e-6)
    bowl = next(form for form in variants("bowl") if form.states == ("empty",))
    heap = Heap()
    heap.add(place("bowl", bowl, Material((), None), Pose((0, 0, 0), 0.0)))
    tiny = Thing("block", Form(cuboid(0.02, 0.02, 0.02)), "", np.full(3, 0.02))
    rim = np.ptp(bowl.mesh.vertices[:, 2])
    assert heap.drop(tiny, (0.0, 0.0), 0.0, rng).at[2] < 0.4 * rim


def test_footprints_overlap_only_where_they_share_ground():
    size = np.array([0.1, 0.02, 0.1])
    here = footprint(size, Pose((0.0, 0.0, 0.0), 0.0))
    assert overlap(here, footprint(size, Pose((0.0, 0.015, 0.0), 0.0)))
    assert not overlap(here, footprint(size, Pose((0.0, 0.03, 0.0), 0.0)))
    assert overlap(here, footprint(size, Pose((0.0, 0.03, 0.0), np.pi / 2)))
    assert not overlap(here, footprint(size, Pose((0.12, 0.0, 0.0), 0.0)))
