"""The things that stand on the table.

Every mesh is in metres, upright: z is up, the lowest point is at z = 0 and the axis of a
turned body is the z axis.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training.world.mesh import Mesh, cuboid, merge, mesh_of, revolve, tube

Rng = np.random.Generator


def _handle(radius: float, low: float, high: float, reach: float, thickness: float) -> Mesh:
    turn = np.linspace(-np.pi / 2, np.pi / 2, 10)
    x = radius - 0.004 + reach * np.cos(turn)
    z = (low + high) / 2 + (high - low) / 2 * np.sin(turn)
    return tube(np.stack([x, 0 * turn, z], 1), thickness, 8)


def box(rng: Rng) -> Mesh:
    sides = (
        rng.uniform(0.04, 0.17, 3) if rng.random() < 0.75 else np.full(3, rng.uniform(0.04, 0.1))
    )
    return cuboid(*sides)


def sphere(radius: float) -> Mesh:
    """A ball that touches z = 0."""
    turn = np.linspace(0, np.pi, 20)
    return revolve(np.stack([radius * np.sin(turn), radius - radius * np.cos(turn)], 1))


def ball(rng: Rng) -> Mesh:
    return sphere(rng.uniform(0.022, 0.06))


def can(rng: Rng) -> Mesh:
    r = rng.uniform(0.027, 0.055)
    h = r * rng.uniform(1.1, 3.4)
    rim = [(r * 0.93, h), (r * 0.9, h * 0.975), (0, h * 0.975)]
    return revolve([(0, 0), (r * 0.94, 0), (r, h * 0.03), (r, h * 0.96), *rim])


def bottle(rng: Rng) -> Mesh:
    r, h = rng.uniform(0.022, 0.045), rng.uniform(0.14, 0.27)
    neck, shoulder = r * rng.uniform(0.28, 0.5), rng.uniform(0.5, 0.74)
    waist = r * rng.uniform(0.85, 1)
    body = [(0, 0), (r * 0.95, 0), (r, h * 0.03), (waist, h * shoulder * 0.6), (r, h * shoulder)]
    curve = np.linspace(0, 1, 5)[1:]
    drop = neck + (r - neck) * (1 + np.cos(np.pi * curve)) / 2
    rise = h * (shoulder + (0.88 - shoulder) * 0.8 * curve)
    cap = neck * rng.uniform(1.05, 1.4)
    top = [(neck, h * 0.88), (cap, h * 0.88), (cap, h * 0.99), (cap * 0.92, h), (0, h)]
    whole = revolve([*body, *zip(drop, rise, strict=True), *top])
    if rng.random() < 0.35:  # flat flasks: shampoo, detergent
        return whole.scaled((1, rng.uniform(0.55, 0.8), 1))
    return whole


def bowl(rng: Rng) -> Mesh:
    r = rng.uniform(0.045, 0.095)
    h = r * rng.uniform(0.45, 0.85)
    turn = np.linspace(rng.uniform(0.25, 0.5), np.pi / 2, 9)
    outer = np.stack([r * np.sin(turn), h - h * np.cos(turn)], 1)
    outer[:, 1] -= outer[0, 1]
    inner = np.stack([0.93 * outer[:, 0], outer[:, 1] * 0.96 + 0.04 * outer[-1, 1]], 1)[::-1]
    return revolve([(0, 0), *outer, *inner, (0, inner[-1, 1])])


def mug(rng: Rng) -> Mesh:
    r = rng.uniform(0.03, 0.05)
    h, taper = r * rng.uniform(1.6, 2.6), rng.uniform(0.78, 1.02)
    cup = [
        (0, 0),
        (r * taper, 0),
        (r, h),
        (r * 0.9, h),
        (r * taper * 0.88, h * 0.08),
        (0, h * 0.08),
    ]
    reach, thickness = r * rng.uniform(0.5, 0.75), rng.uniform(0.004, 0.007)
    return merge([revolve(cup), _handle(r * 0.95, h * 0.2, h * 0.82, reach, thickness)])


def cone(rng: Rng) -> Mesh:
    r = rng.uniform(0.03, 0.06)
    h = r * rng.uniform(1.7, 3)
    return revolve([(0, 0), (r, 0), (r * 0.08, h * 0.98), (0, h)])


def pitcher(rng: Rng) -> Mesh:
    r = rng.uniform(0.042, 0.065)
    h = r * rng.uniform(2.7, 3.8)
    mouth = r * rng.uniform(0.72, 0.95)
    if rng.random() < 0.5:  # closed with a lid
        body = [(0, 0), (r, 0), (mouth, h * 0.9), (mouth * 1.05, h * 0.92), (r * 0.5, h), (0, h)]
    else:
        body = [(0, 0), (r, 0), (mouth, h), (mouth * 0.92, h), (r * 0.9, h * 0.06), (0, h * 0.06)]
    reach, thickness = r * rng.uniform(0.5, 0.85), rng.uniform(0.006, 0.01)
    return merge([revolve(body), _handle(mouth, h * 0.25, h * 0.86, reach, thickness)])


def banana(rng: Rng) -> Mesh:
    bend, half = rng.uniform(0.08, 0.12), rng.uniform(0.75, 0.95)
    thick = rng.uniform(0.014, 0.02)
    turn = np.linspace(-half, half, 14)
    path = np.stack([bend * np.sin(turn), bend * (np.cos(turn) - 0.8), 0 * turn + thick], 1)
    profile = [0.25, 0.4, 0.72, 0.92, 1, 1, 1, 1, 1, 0.95, 0.8, 0.5, 0.28, 0.22]
    return tube(path, thick * np.array(profile), 7, normal=(0, 0, 1))


def plate(rng: Rng) -> Mesh:
    r = rng.uniform(0.07, 0.12)
    h, flat = r * rng.uniform(0.1, 0.22), rng.uniform(0.55, 0.75)
    bottom = [(0, 0), (r * flat, 0), (r * (flat + 0.1), h * 0.3), (r, h)]
    top = [(r * 0.98, h), (r * (flat + 0.08), h * 0.4), (r * flat, h * 0.22), (0, h * 0.22)]
    return revolve([*bottom, *top], 40)


def torus(rng: Rng) -> Mesh:
    thick, r = rng.uniform(0.007, 0.018), rng.uniform(0.028, 0.06)
    turn = np.linspace(0, 2 * np.pi, 33)
    return tube(
        np.stack([r * np.cos(turn), r * np.sin(turn), 0 * turn + thick], 1), thick, 10, (0, 0, 1)
    )


def bracket(rng: Rng) -> Mesh:
    """An L of two plates."""
    width, foot, height = rng.uniform(0.02, 0.08), rng.uniform(0.05, 0.1), rng.uniform(0.05, 0.13)
    thick = rng.uniform(0.006, 0.02)
    wall = cuboid(thick, width, height - thick)
    return merge(
        [cuboid(foot, width, thick), wall.moved(np.eye(3), (thick / 2 - foot / 2, 0, thick))]
    )


def pyramid(rng: Rng) -> Mesh:
    r = rng.uniform(0.035, 0.07)
    h = r * rng.uniform(0.8, 2)
    base = np.array([[r, r, 0], [-r, r, 0], [-r, -r, 0], [r, -r, 0]])
    sides = [mesh_of([base[i], base[(i + 1) % 4], (0, 0, h)], [[0, 1, 2]]) for i in range(4)]
    return merge([*sides, mesh_of(base, [[0, 2, 1], [0, 3, 2]])])


def rod(rng: Rng) -> Mesh:
    """A stick that lies on the table: pen, screwdriver, spoon handle."""
    length, thick = rng.uniform(0.09, 0.2), rng.uniform(0.004, 0.014)
    grip = rng.uniform(0.3, 0.7)
    ends = [0, 0.001, grip, grip + 0.01, 0.999, 1]
    wide = np.array([0.01, 1, 1, 0.6, 0.6, 0.01]) * thick
    path = [((end - 0.5) * length, 0, thick) for end in ends]
    return tube(path, wide, 10)


def drill(rng: Rng) -> Mesh:
    """A power tool on its battery: foot, grip and a barrel across the top."""
    r, length, height = rng.uniform(0.02, 0.03), rng.uniform(0.11, 0.17), rng.uniform(0.13, 0.19)
    barrel = revolve(
        [
            (0, 0),
            (r, 0),
            (r, length * 0.7),
            (r * 0.4, length * 0.75),
            (r * 0.3, length),
            (0, length),
        ]
    )
    lying = barrel.moved([[0, 0, 1], [1, 0, 0], [0, 1, 0]], (-length * 0.35, 0, height - r))
    grip = cuboid(r * 1.3, r * 1.1, height - r - 0.02).moved(np.eye(3), (0, 0, 0.02))
    return merge([cuboid(r * 3, r * 2.2, 0.025), grip, lying])


def clamp(rng: Rng) -> Mesh:
    """A C of three bars lying on the table with a screw through one arm."""
    reach, gap = rng.uniform(0.05, 0.09), rng.uniform(0.06, 0.11)
    bar, thick = rng.uniform(0.012, 0.02), rng.uniform(0.012, 0.025)
    arm = cuboid(reach, bar, thick)
    far = arm.moved(np.eye(3), (reach / 2, gap, 0))
    screw = tube(
        [(reach * 0.85, y, thick / 2) for y in (-0.4 * gap, 0.6 * gap)], 0.005, 8, (0, 0, 1)
    )
    spine = cuboid(bar, gap + bar, thick).moved(np.eye(3), (0, gap / 2, 0))
    return merge([arm.moved(np.eye(3), (reach / 2, 0, 0)), far, spine, screw])


NAMED: dict[str, Callable[[Rng], Mesh]] = {
    "box": box,
    "ball": ball,
    "can": can,
    "bottle": bottle,
    "bowl": bowl,
    "mug": mug,
    "cone": cone,
    "pitcher": pitcher,
    "banana": banana,
    "plate": plate,
}
UNNAMED: dict[str, Callable[[Rng], Mesh]] = {
    "torus": torus,
    "bracket": bracket,
    "pyramid": pyramid,
    "rod": rod,
    "drill": drill,
    "clamp": clamp,
}
KINDS = tuple(NAMED)
