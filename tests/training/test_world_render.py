"""Labels, depth and records against geometry worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from training.world import casting
from training.world.camera import Sensor, look_at, sample_camera
from training.world.colours import COLOUR_NAMES, UNCLEAR, names_of, sample_colour
from training.world.materials import Finish, Material, sample_material
from training.world.mesh import Mesh, cuboid, merge
from training.world.render import Renderer
from training.world.rendering import render_scene
from training.world.scene import Body, Pose, Scene, place, sample_light
from training.world.shapes import NAMED
from training.world.shapes.form import Form, sphere
from training.world.surroundings import sample_arrangement, surround
from training.world.textures import load_photos

SENSOR = Sensor(gain=1, gamma=1, blur=0, noise=0, jpeg=None)
PAINT = Finish(np.array([0.8, 0.1, 0.1], np.float32))
BLUE = Finish(np.array([0.1, 0.2, 0.8], np.float32))
RED = Material((PAINT,), "red", "plastic")


def thing(kind: str, mesh: Mesh, at: tuple[float, float, float]) -> Body:
    return place(kind, Form(mesh), RED, Pose(at, 0.0))


def table(*bodies: Body) -> Scene:
    gray = np.full((256, 256, 3), 0.5, np.float32)
    light = sample_light(np.random.default_rng(0))
    light = replace(light, lamps=(replace(light.lamps[0], spread=0.01),))
    return Scene(list(bodies), (1.0, 1.0), 0.0, gray, 1.0, 0.0, 0.7, gray, gray, light)


def render(scene: Scene, camera):
    return Renderer(scene).render(camera, SENSOR, np.random.default_rng(0))


def test_a_ball_agrees_with_the_equation_of_its_sphere():
    radius, at = 0.05, (0.02, 0.03, 0.0)
    centre = np.array([0.02, 0.03, radius])
    camera = look_at((0.3, -0.6, 0.5), centre, 257, 257, 45.0)
    shot = render(table(thing("ball", sphere(radius, 36), at)), camera)

    optical = camera.to_optical(centre)
    distance = np.linalg.norm(np.array([0.3, -0.6, 0.5]) - centre)
    assert np.allclose(optical, [0, 0, distance])
    rows, columns = np.mgrid[0:257, 0:257]
    rays = np.stack([(columns - 128) / camera.focal, (rows - 128) / camera.focal], -1)
    rays = np.concatenate([rays, np.ones((257, 257, 1))], -1)
    a, b = (rays**2).sum(-1), rays @ optical
    inside = b**2 - a * (optical @ optical - radius**2)
    z = np.where(inside >= 0, (b - np.sqrt(np.maximum(inside, 0))) / a, np.nan)
    exact = (rays * z[..., None])[inside >= 0]

    ball = shot.labels == 1
    assert (ball != (inside >= 0)).sum() < 0.02 * ball.sum()  # the mesh is a polyhedron
    assert shot.depth[128, 128] == pytest.approx(distance - radius, abs=3e-4)
    both = ball & (inside >= 0)
    assert np.abs(shot.depth[both] - z[both]).max() < 0.006  # at the rim, where it is steep
    assert np.abs(shot.depth[both] - z[both]).mean() < 5e-4
    (record,) = shot.objects
    assert np.allclose(record["centroid"], exact.mean(0), atol=5e-4)
    hit_rows, hit_columns = np.nonzero(inside >= 0)
    expected = [hit_columns.min(), hit_rows.min(), hit_columns.max() + 1, hit_rows.max() + 1]
    assert np.abs(np.array(record["box"]) - expected).max() <= 1
    assert record["area"] == ball.sum()
    assert record["visible"] == 1.0
    assert record["kind"] == "ball"
    assert record["color"] == "red"
    assert np.allclose(record["size"], 0.1, atol=1e-3)


def test_the_table_lies_at_height_zero_and_the_sky_has_no_depth():
    camera = look_at((0.0, -0.8, 0.4), (0, 0, 0), 64, 64, 55.0)
    shot = render(table(), camera)
    rays = camera.rays().reshape(-1, 3)
    points = camera.position + rays * shot.depth.reshape(-1, 1)
    on_table = np.isfinite(points[:, 0]) & (np.abs(points[:, :2]) < 0.99).all(1)
    assert on_table.sum() > 500
    assert np.abs(points[on_table, 2]).max() < 1e-5
    level = look_at((0.0, -0.8, 0.4), (0, 0, 0.4), 64, 64, 55.0)
    sky = render(table(), level)
    assert np.isnan(sky.depth[:32]).all()
    assert not sky.labels.any()
    assert sky.objects == []
    above = render(table(), look_at((0.0, -0.8, 0.4), (0, 0, 2), 64, 64, 55.0))
    assert np.isnan(above.depth).all()
    backdrop = 255 * 0.5 * table().light.tint  # is not shaded, only as warm as the lamp
    assert np.abs(above.rgb - backdrop).max() <= 1


def test_visible_is_the_share_that_is_not_hidden():
    near = thing("box", cuboid(0.1, 0.02, 0.06), (0.03, -0.1, 0.0))
    far = thing("box", cuboid(0.1, 0.02, 0.12), (0.0, 0.1, 0.0))
    camera = look_at((0, -0.7, 0.1), (0, 0, 0.05), 256, 256, 40.0)
    alone = render(table(far), camera).objects[0]
    front, behind = render(table(near, far), camera).objects
    assert front["visible"] == 1.0
    assert 0.3 < behind["visible"] < 0.9
    assert behind["visible"] == pytest.approx(behind["area"] / alone["area"], abs=0.02)


def test_a_thing_of_few_pixels_is_background():
    speck = thing("ball", sphere(0.004), (0, 0, 0))
    ball = thing("ball", sphere(0.05), (0.1, 0, 0))
    camera = look_at((0, -0.8, 0.4), (0, 0, 0), 256, 256, 50.0)
    shot = render(table(speck, ball), camera)
    assert [record["label"] for record in shot.objects] == [2]
    assert set(np.unique(shot.labels)) == {0, 2}


def test_viewer_agrees_with_the_picture():
    photos = load_photos()
    seen = 0
    for seed in range(6):
        rng = np.random.default_rng((11, seed))
        arrangement = sample_arrangement(photos, rng)
        scene = surround(arrangement.bodies, arrangement.half, photos, rng)
        tilted = sample_camera(rng, arrangement.outlook, 256, 256)
        camera = look_at(tilted.position, (0, 0, 0.04), 256, 256, 50.0)  # no roll
        renderer = Renderer(scene)
        for record in renderer.records(camera):
            body = scene.bodies[record["label"] - 1]
            right, forward, up = record["viewer"]
            optical = camera.to_optical(body.centre)
            assert right == pytest.approx(optical[0], abs=1e-4)
            assert up == pytest.approx(body.pose.at[2] + body.size[2] / 2, abs=1e-4)
            flat = camera.rotation[:2, 2] / np.linalg.norm(camera.rotation[:2, 2])
            assert forward == pytest.approx(
                float((body.centre - camera.position)[:2] @ flat), abs=1e-4
            )
            x = (record["box"][0] + record["box"][2]) / 2
            near_axis = abs(right) < 0.06 or record["size"][0] > 0.12
            if not near_axis and record["visible"] > 0.9:
                seen += 1
                assert (x > 127.5) == (right > 0)
    assert seen >= 10


def test_the_lamp_casts_a_shadow_on_the_side_away_from_it():
    scene = table(thing("box", cuboid(0.1, 0.1, 0.15), (0, 0, 0)))
    lamp = np.array([0.8, 0.0, 1.0]) / np.linalg.norm([0.8, 0.0, 1.0])
    lamps = (replace(scene.light.lamps[0], direction=lamp, shadow=1.0),)
    light = replace(scene.light, lamps=lamps, ambient=0.3, fill=np.zeros(3))
    camera = look_at((0, -0.8, 0.6), (0, 0, 0), 256, 256, 45.0)
    rgb = render(replace(scene, light=light), camera).rgb.astype(int)
    u, v = (
        camera.to_optical([[-0.1, 0, 0], [0.1, 0, 0]])[:, :2].T
        / camera.to_optical([[-0.1, 0, 0], [0.1, 0, 0]])[:, 2]
        * camera.focal
        + 127.5
    )
    dark, bright = (rgb[round(y), round(x)].mean() for x, y in zip(u, v, strict=True))
    assert dark < 0.6 * bright


@pytest.mark.parametrize("name", COLOUR_NAMES)
def test_colours_are_what_their_names_say(name: str):
    rng = np.random.default_rng(5)
    r, g, b = np.array([sample_colour(name, rng) for _ in range(50)]).T
    brightest = np.maximum(np.maximum(r, g), b)
    expected = {
        "red": (r > 1.5 * g) & (r > 1.5 * b),
        "orange": (r > 1.3 * g) & (g > b),
        "yellow": (r > 1.3 * b) & (g > 1.3 * b),
        "green": (g > r) & (g >= b),
        "blue": (b > r) & (b >= g),
        "purple": (b > g) & (r > g),
        "pink": (r > 0.7) & (r > g) & (b > g),
        "brown": (r > g) & (g > b) & (r < 0.5),
        "white": np.minimum(np.minimum(r, g), b) > 0.7,
        "gray": (brightest > 0.3) & (brightest < 0.7),
        "black": brightest < 0.2,
    }
    assert expected[name].all()


@pytest.mark.parametrize("name", COLOUR_NAMES)
def test_a_sampled_colour_gets_its_name_back(name: str):
    rng = np.random.default_rng(8)
    colours = np.array([sample_colour(name, rng) for _ in range(200)])
    assert np.mean(names_of(colours) == COLOUR_NAMES.index(name)) > 0.97
    between = np.array([[0.6, 0.75, 0.1]], np.float32)  # neither yellow nor green
    assert names_of(between)[0] == UNCLEAR


def two_coloured(share: float) -> Body:
    """A bar along x, red over that share of its length, else blue."""
    long = 0.3
    red = cuboid(long * share, 0.05, 0.05).at(x=-long * (1 - share) / 2).named("left")
    blue = cuboid(long * (1 - share), 0.05, 0.05).at(x=long * share / 2).named("right")
    material = Material((PAINT, BLUE), "red", "plastic")
    return place("block", Form(merge([red, blue])), material, Pose((0, 0, 0), 0.0))


@pytest.mark.parametrize(
    ("share", "main", "seen"),
    [(0.95, "red", {"red"}), (0.75, "red", {"red", "blue"}), (0.45, None, {"red", "blue"})],
)
def test_a_main_colour_is_given_only_where_it_leads(share: float, main: str | None, seen: set[str]):
    camera = look_at((0, -0.8, 0.5), (0, 0, 0), 256, 256, 35.0)
    (record,) = render(table(two_coloured(share)), camera).objects
    assert record["color"] == main
    assert set(record["colors"]) == seen


def test_parts_cover_their_object_and_lie_where_their_mesh_does():
    camera = look_at((0, -0.8, 0.5), (0, 0, 0), 256, 256, 35.0)
    shot = render(table(two_coloured(0.5), thing("ball", sphere(0.04), (0, 0.15, 0))), camera)
    bar, ball = shot.objects
    assert {part["name"] for part in bar["parts"]} == {"left", "right"}
    assert ball["parts"] == []
    assert np.all(shot.parts[shot.labels == 2] == 0)
    assert np.all((shot.parts > 0) == (shot.labels == 1))
    columns = {p["name"]: np.nonzero(shot.parts == p["label"])[1] for p in bar["parts"]}
    assert columns["left"].max() < columns["right"].min() + 3
    for part in bar["parts"]:
        assert part["area"] == np.count_nonzero(shot.parts == part["label"])


def test_what_stands_behind_glass_shows_through_and_the_label_is_the_glass():
    clear = Finish(np.array([0.9, 0.95, 0.95], np.float32), clear=0.8, counted=False)
    pane = place(
        "glass",
        Form(cuboid(0.3, 0.004, 0.2)),
        Material((clear,), None, "glass"),
        Pose((0, -0.1, 0), 0.0),
    )
    camera = look_at((0, -0.8, 0.1), (0, 0, 0.1), 256, 256, 35.0)
    ball = thing("ball", sphere(0.06), (0, 0.1, 0.0))
    shot = render(table(pane, ball), camera)
    alone = render(table(ball), camera)
    middle = alone.labels == 1
    assert np.all(shot.labels[middle] == 1)
    red = shot.rgb[middle].astype(int)
    assert np.median(red[:, 0]) > 1.5 * np.median(red[:, 2])
    assert shot.objects[0]["color"] is None
    assert shot.objects[0]["material"] == "glass"


@pytest.mark.parametrize("kind", NAMED)
def test_every_kind_has_a_look_for_each_of_its_groups(kind: str):
    photos = load_photos()[:2]
    for seed in range(6):
        rng = np.random.default_rng(seed)
        form = NAMED[kind].make(rng)
        material = sample_material(kind, form.mesh.names, photos, rng)
        assert len(material.finishes) == len(form.mesh.names)
        assert material.pattern in {"plain", "striped", "dotted", "checked", "printed"}
        for finish in material.finishes:
            assert finish.colour.shape == (3,)
            if finish.texture is not None:
                assert finish.texture.dtype == np.float32
                assert 0 <= finish.texture.min() <= finish.texture.max() <= 1


def test_rays_are_not_missed_by_the_boxes_around_bodies(monkeypatch: pytest.MonkeyPatch):
    photos = load_photos()
    for seed in range(5):
        rng = np.random.default_rng((2, seed))
        arrangement = sample_arrangement(photos, rng)
        scene = surround(arrangement.bodies, arrangement.half, photos, rng)
        camera = sample_camera(rng, arrangement.outlook, 96, 96)
        with monkeypatch.context() as patch:
            some = render(scene, camera)
            patch.setattr(casting, "_boxed", lambda scene, camera: np.arange(96 * 96))
            every = render(scene, camera)
        assert np.array_equal(some.labels, every.labels)
        assert np.array_equal(some.depth, every.depth, equal_nan=True)


def test_other_light_needs_the_same_bodies():
    scene = table(thing("ball", sphere(0.05), (0, 0, 0)))
    with pytest.raises(ValueError, match="same list of bodies"):
        Renderer(scene).relit(table())


def test_things_are_small_and_large_few_and_many():
    photos = load_photos()
    sides, counts, kinds = [], [], set()
    for index in range(60):
        shot = render_scene(photos, 77, index, 128)
        counts.append(len(shot.objects))
        for record in shot.objects:
            x0, y0, x1, y1 = record["box"]
            sides.append(max(x1 - x0, y1 - y0) / 128)
            kinds.add(record["kind"])
    small, large = np.percentile(sides, [10, 98])
    assert small < 0.1
    assert large > 0.4
    assert np.mean((np.array(sides) > 0.05) & (np.array(sides) < 0.18)) > 0.35
    assert min(counts) <= 5
    assert max(counts) >= 15
    assert len(kinds) > 45
    assert None in kinds
