"""Things that no word of the lexicon names: a model must leave them alone."""

from __future__ import annotations

import numpy as np

from training.world.mesh import block, cuboid, loft, merge, mesh_of, prism, revolve, tube
from training.world.shapes.form import Form, Rng, line, ring


def torus(rng: Rng) -> Form:
    return Form(ring(rng.uniform(0.028, 0.06), rng.uniform(0.007, 0.018)).grounded())


def bracket(rng: Rng) -> Form:
    """An L of two plates."""
    width, foot, height = rng.uniform(0.02, 0.08), rng.uniform(0.05, 0.1), rng.uniform(0.05, 0.13)
    thick = rng.uniform(0.006, 0.02)
    wall = cuboid(thick, width, height - thick).at(x=thick / 2 - foot / 2, z=thick)
    return Form(merge([cuboid(foot, width, thick), wall]))


def pyramid(rng: Rng) -> Form:
    r = rng.uniform(0.03, 0.06)
    h = r * rng.uniform(0.8, 2)
    base = np.array([[r, r, 0], [-r, r, 0], [-r, -r, 0], [r, -r, 0]])
    sides = [mesh_of([base[i], base[(i + 1) % 4], (0, 0, h)], [[0, 1, 2]]) for i in range(4)]
    return Form(merge([*sides, mesh_of(base, [[0, 2, 1], [0, 3, 2]])]))


def spindle(rng: Rng) -> Form:
    """A turned piece of no use."""
    z = np.linspace(0, rng.uniform(0.05, 0.16), 7)
    radii = rng.uniform(0.008, 0.04, 7)
    return Form(revolve([(0, 0), *zip(radii, z, strict=True), (0, z[-1])], 24))


def elbow(rng: Rng) -> Form:
    """A bent pipe fitting."""
    r, bend = rng.uniform(0.012, 0.025), rng.uniform(0.04, 0.06)
    turn = np.linspace(0, np.pi / 2, 8)
    path = np.stack([bend * np.cos(turn), bend * np.sin(turn), 0 * turn + r * 1.2], 1)
    bent = tube(path, r, 14, (0, 0, 1))
    cuffs = [tube([path[i], path[j]], r * 1.2, 14, (0, 0, 1)) for i, j in ((0, 1), (-2, -1))]
    return Form(merge([bent, merge(cuffs).named("/accent")]).grounded())


def cross(rng: Rng) -> Form:
    a, b, t = rng.uniform(0.04, 0.07), rng.uniform(0.012, 0.02), rng.uniform(0.012, 0.03)
    return Form(merge([block(2 * a, 2 * b, t, 0.3), block(2 * b, 2 * a, t, 0.3)]))


def gear(rng: Rng) -> Form:
    r, teeth, t = rng.uniform(0.02, 0.045), int(rng.integers(8, 15)), rng.uniform(0.008, 0.02)
    turn = np.arange(4 * teeth) / (4 * teeth) * 2 * np.pi
    radii = r * np.tile([1.0, 1.0, 0.8, 0.8], teeth)
    hub = revolve([(0, 0), (r * 0.35, 0), (r * 0.35, t * 1.5), (0, t * 1.5)], 20)
    return Form(merge([prism(np.stack([radii * np.cos(turn), radii * np.sin(turn)], 1), t), hub]))


def spring(rng: Rng) -> Form:
    r, turns, pitch = rng.uniform(0.012, 0.025), int(rng.integers(4, 8)), rng.uniform(0.008, 0.012)
    turn = np.linspace(0, 2 * np.pi * turns, 12 * turns)
    path = np.stack([pitch * turn / (2 * np.pi), r * np.cos(turn), r * np.sin(turn)], 1)
    return Form(loft(path, 0.0025, 0.0025, 2, 6, (1, 0, 0)).grounded())


def dumbbell(rng: Rng) -> Form:
    """Two lumps on a bar."""
    r, long = rng.uniform(0.015, 0.035), rng.uniform(0.08, 0.14)
    lump = block(r * 1.6, 2 * r, 2 * r, 0.5)
    bar = tube([(-long / 2, 0, r), (long / 2, 0, r)], r * 0.4, 12)
    return Form(merge([lump.at(x=-long / 2), lump.at(x=long / 2), bar.named("/accent")]).grounded())


def wave(rng: Rng) -> Form:
    """A bent strip."""
    long, high = rng.uniform(0.08, 0.15), rng.uniform(0.02, 0.05)
    path = line((0, 0, 0), (long * 0.25, 0, high), (long * 0.6, 0, 0), (long, 0, high), count=16)
    return Form(loft(path, rng.uniform(0.012, 0.03), 0.003, 5, 12, (0, 0.01, 1)).grounded())
