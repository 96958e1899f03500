"""Fruit, vegetables and eggs."""

from __future__ import annotations

import numpy as np

from training.world.mesh import Mesh, loft, merge, prism, revolve, tube
from training.world.shapes.form import Form, Rng, line

STEM = "/stem"


def _stem(at: float, long: float, rng: Rng) -> Mesh:
    lean = rng.uniform(-0.6, 0.6) * long
    return tube(
        line((0, 0, at), (lean * 0.3, 0, at + long * 0.6), (lean, 0, at + long), count=4),
        [0.002, 0.0016, 0.0017, 0.0022],
        6,
    ).named(STEM)


def _leaf(at: float, long: float) -> Mesh:
    outline = [(0, 0), (long * 0.4, -long * 0.2), (long, 0), (long * 0.4, long * 0.2)]
    return prism(outline, 0.0008).turned("y", -0.5).at(z=at).named("/leaf")


def apple(rng: Rng) -> Form:
    r = rng.uniform(0.032, 0.044)
    tall = r * rng.uniform(1.65, 1.95)
    side = line(
        (0.0, 0.06),
        (0.35, 0.0),
        (0.75, 0.18),
        (0.98, 0.55),
        (0.85, 0.88),
        (0.4, 1.0),
        (0.12, 0.93),
        (0.0, 0.84),
        count=18,
    )
    side = np.maximum(side, 0)
    side[0, 0] = side[-1, 0] = 0
    parts = [revolve(side * [r, tall], 28), _stem(tall * 0.84, r * 0.55, rng)]
    if rng.random() < 0.3:
        parts.append(_leaf(tall * 0.98, r * 0.8))
    return Form(merge(parts).grounded())


def orange(rng: Rng) -> Form:
    r = rng.uniform(0.033, 0.043)
    turn = np.linspace(0, np.pi, 16)
    body = revolve(np.stack([r * np.sin(turn), 0.94 * r * (1 - np.cos(turn))], 1), 28)
    navel = revolve([(0, 1.865 * r), (0.0045, 1.865 * r), (0.004, 1.9 * r), (0, 1.9 * r)], 8)
    return Form(merge([body, navel.named(STEM)]))


def lemon(rng: Rng) -> Form:
    r = rng.uniform(0.023, 0.029)
    half = np.array([0.1, 0.22, 0.3, 0.75, 0.97, 1.0, 0.97, 0.75, 0.36, 0.24, 0.16]) * r
    x = np.array([-1.65, -1.6, -1.42, -1.0, -0.5, 0, 0.5, 1.0, 1.4, 1.55, 1.6]) * r
    return Form(tube(np.stack([x, 0 * x, 0 * x + r], 1), half, 20).grounded())


def pear(rng: Rng) -> Form:
    r = rng.uniform(0.03, 0.038)
    tall = r * rng.uniform(2.5, 3.0)
    side = line(
        (0.05, 0.02),
        (0.6, 0.0),
        (0.98, 0.24),
        (0.82, 0.5),
        (0.45, 0.75),
        (0.4, 0.92),
        (0.15, 1.0),
        (0.0, 0.985),
        count=18,
    )
    side = np.maximum(side, 0)
    side[0, 0] = side[-1, 0] = 0
    return Form(merge([revolve(side * [r, tall], 28), _stem(tall * 0.98, r * 0.6, rng)]).grounded())


def egg(rng: Rng) -> Form:
    r = rng.uniform(0.02, 0.024)
    turn = np.linspace(0, np.pi, 18)
    z = -np.cos(turn) * r * 1.32
    half = r * np.sin(turn) * (1 - 0.13 * z / r)
    return Form(tube(np.stack([z, 0 * z, 0 * z + r], 1), np.maximum(half, 0.0003), 20).grounded())


def banana(rng: Rng) -> Form:
    bend, half = rng.uniform(0.08, 0.12), rng.uniform(0.75, 0.95)
    thick = rng.uniform(0.014, 0.02)
    turn = np.linspace(-half, half, 14)
    path = np.stack([bend * np.sin(turn), bend * (np.cos(turn) - 0.8), 0 * turn + thick], 1)
    profile = [0.25, 0.4, 0.72, 0.92, 1, 1, 1, 1, 1, 0.95, 0.8, 0.5, 0.28, 0.22]
    return Form(tube(path, thick * np.array(profile), 7, normal=(0, 0, 1)).grounded())


def carrot(rng: Rng) -> Form:
    long, r = rng.uniform(0.12, 0.19), rng.uniform(0.013, 0.02)
    t = np.array([0, 0.02, 0.08, 0.3, 0.6, 0.85, 0.97, 1.0])
    half = r * np.array([0.4, 0.8, 1.0, 0.88, 0.66, 0.38, 0.15, 0.05])
    bend = rng.uniform(-0.012, 0.012) * t**2
    body = tube(np.stack([t * long, bend, half + 0.001], 1), half, 14, (0, 0, 1))
    parts = [body]
    if rng.random() < 0.7:
        for lean in rng.uniform(-0.6, 0.6, 5):
            tip = rng.uniform(0.04, 0.08)
            leaf = line(
                (0.002, 0, r),
                (-tip * 0.5, lean * tip * 0.4, r * 1.3),
                (-tip, lean * tip, r * 0.6),
                count=5,
            )
            parts.append(
                loft(leaf, [0.002, 0.002, 0.004, 0.006, 0.002], 0.0015, 2, 6).named("/leaf")
            )
    return Form(merge(parts).grounded())
