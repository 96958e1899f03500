"""Surfaces of the things on the table: stuff, colour, pattern and print."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.world import patterns
from training.world.colours import COLOUR_NAMES, COLOURS, pick, sample_colour
from training.world.looks import (
    ACCENTS,
    ALONG,
    COLOURLESS,
    DARK_HANDLES,
    LOOKS,
    METALLIC,
    NEVER_PATTERNED,
    OTHER_HANDLE,
    OTHERWISE,
    PRINTED,
    ROUND,
    SAME_LID,
    SUBSTANCES,
    TONES,
    Choice,
)
from training.world.patterns import SIDE
from training.world.textures import look_up

Rng = np.random.Generator
Floats = NDArray[np.float32]
Photos = list[NDArray[np.uint8]]

UNCOUNTED = {"contents", "soil", "display"}  # what a thing holds or shows is not its colour
PATTERNED = 0.3  # share of things with stripes, dots or checks, where they can have them
PRINTS = 0.62  # share with a print, where they can have one


@dataclass(frozen=True)
class Finish:
    """How one group of a mesh looks.

    colour float32 (3,); texture float32 (S, S, 3) or None for colour alone; mapping "faces",
    "round", "disc" or "along"; shine, mirror and clear 0..1. `counted`: whether its colour is
    the thing's own.
    """

    colour: Floats
    texture: Floats | None = None
    mapping: str = "faces"
    shine: float = 0.0
    gloss: float = 20.0
    mirror: float = 0.0
    clear: float = 0.0
    counted: bool = True

    def albedo(self, points: Floats, normals: Floats, extent: Floats) -> Floats:
        """Colours (N, 3) or (3,) at points of the thing (its own axes, base at z = 0).

        `normals` (N, 3) face the camera; `extent` (3,) is the size of the thing in metres.
        """
        if self.texture is None:
            return self.colour
        height = points[:, 2] / extent[2]
        if self.mapping == "faces":
            axis = np.abs(normals).argmax(1)
            flat = points[:, :2] / extent[:2] + 0.5
            u = np.where(axis == 0, flat[:, 1] + 0.37, flat[:, 0])
            v = np.where(axis == 2, flat[:, 1], height)
        elif self.mapping == "along":
            u, v = points[:, 0] / extent[0] + 0.5, height
        else:
            u = np.arctan2(points[:, 1], points[:, 0]) / np.float32(2 * np.pi) + 0.5
            reach = np.hypot(points[:, 0], points[:, 1]) / (extent[0] / 2)
            v = height if self.mapping == "round" else reach
        # Half a texel from the edge, or the bilinear look-up would mix in the opposite edge.
        return look_up(self.texture, u, np.clip(v, 0.5 / SIDE, 1 - 0.5 / SIDE))


@dataclass(frozen=True)
class Material:
    """`finishes[i]` is for group i of the mesh.

    `colour` is the name of the main colour or None; `substance` what people call the stuff or
    None; `pattern` "plain", "striped", "dotted", "checked" or "printed".
    """

    finishes: tuple[Finish, ...]
    colour: str | None
    substance: str | None = None
    pattern: str = "plain"


def mapping_of(kind: str) -> str:
    """How pictures lie on things of that kind."""
    if kind == "plate":
        return "disc"
    return "round" if kind in ROUND else "along" if kind in ALONG else "faces"


def _draw(choices: Sequence[Choice], palette: Sequence[str], rng: Rng) -> tuple[str, str]:
    """A substance and the name or tone of a colour."""
    _, substance, tones = pick(choices, rng, [share for share, _, _ in choices])
    return substance, pick(palette if isinstance(tones, str) else tones, rng)


def _tone(name: str, rng: Rng) -> Floats:
    if name in COLOURS:
        return sample_colour(name, rng)
    tone = np.array(TONES[name]) * rng.uniform(0.82, 1.12) + rng.normal(0, 0.012, 3)
    return np.clip(tone, 0.02, 1).astype(np.float32)


def _finish(substance: str, tone: str, role: str, rng: Rng) -> Finish:
    stuff = SUBSTANCES[substance]
    return Finish(
        colour=_tone(tone, rng),
        shine=float(rng.uniform(*stuff.shine)),
        gloss=float(rng.uniform(*stuff.gloss)),
        mirror=float(rng.uniform(*stuff.mirror)),
        clear=stuff.clear,
        counted=role not in UNCOUNTED and substance not in METALLIC,
    )


def _with(
    finish: Finish, texture: Floats | None, mapping: str, colour: Floats | None = None
) -> Finish:
    return Finish(
        finish.colour if colour is None else colour,
        texture,
        mapping,
        finish.shine,
        finish.gloss,
        finish.mirror,
        finish.clear,
        finish.counted,
    )


def sample_material(
    kind: str,
    names: Sequence[str],
    photos: Photos,
    rng: Rng,
    palette: Sequence[str] = COLOUR_NAMES,
    plain: bool = False,
) -> Material:
    """A surface for a thing of that kind whose mesh has groups of those names.

    `palette` are the colours of what comes in any colour; `plain` leaves out prints and patterns.
    """
    substance, tone = _draw(LOOKS.get(kind, OTHERWISE), palette, rng)
    main = _finish(substance, tone, "", rng)
    mapping = mapping_of(kind)
    texture, pattern = None, "plain"
    if not plain:
        texture, pattern = _surface(kind, substance, main.colour, photos, rng)
    if texture is None and substance in ("wood", "wicker", "fabric", "foam"):
        texture = patterns.stuff(substance, main.colour, rng)
    coated = _with(main, texture, mapping)
    finishes = tuple(
        _of_group(kind, name, "body" in names, coated, palette, photos, rng) for name in names
    )
    own = tone in COLOURS and substance not in METALLIC and kind not in COLOURLESS
    return Material(finishes, tone if own else None, SUBSTANCES[substance].word, pattern)


def _surface(
    kind: str, substance: str, base: Floats, photos: Photos, rng: Rng
) -> tuple[Floats | None, str]:
    """What is painted or printed on the main surface, and what people call that."""
    if kind in ("banana", "apple", "orange", "lemon", "pear", "carrot", "egg"):
        return patterns.peel(kind, base, rng), "plain"
    if SUBSTANCES[substance].clear:
        return None, "plain"
    if kind in PRINTED and rng.random() < PRINTS:
        whole = substance in ("coated", "paper") and rng.random() < 0.5
        return patterns.printed(base, photos, rng, whole), "printed"
    if (
        kind not in NEVER_PATTERNED
        and substance not in ("wood", "metal", "wicker")
        and (rng.random() < PATTERNED)
    ):
        name = pick(("striped", "striped", "dotted", "checked"), rng)
        return patterns.patterned(name, base, rng), name
    if rng.random() < 0.3:
        return patterns.worn(base, rng), "plain"
    return None, "plain"


def _of_group(
    kind: str,
    name: str,
    vessel: bool,
    main: Finish,
    palette: Sequence[str],
    photos: Photos,
    rng: Rng,
) -> Finish:
    role = name.rpartition("/")[2]
    plain = _with(main, None, main.mapping)
    if role == "handle" and kind in DARK_HANDLES and rng.random() < 0.7:
        return _finish("plastic", "black", role, rng)
    if role == "handle" and vessel and rng.random() < OTHER_HANDLE:
        return _finish(*_draw(OTHERWISE, palette, rng), role, rng)
    if role in ("cap", "lid") and rng.random() < SAME_LID and not main.clear:
        return plain
    if role == "keys":
        finish = _finish(*_draw(ACCENTS[role], palette, rng), role, rng)
        return _with(finish, patterns.keys(finish.colour, rng), "faces")
    if role in ("print", "paper"):
        finish = _finish("paper", "paper", role, rng)
        return _with(finish, patterns.page(role, finish.colour, photos, rng), "faces")
    if role == "display":
        finish = _finish("screen", "black", role, rng)
        lit = patterns.shown(photos, rng) if rng.random() < 0.45 else None
        return _with(finish, lit, "faces")
    if role == "weave":
        return _with(main, patterns.stuff("weave", main.colour, rng), main.mapping)
    if role == "pad":
        return _with(main, None, main.mapping, main.colour * np.float32(0.9))
    if role == "handle":
        return plain if vessel else main
    if role in ACCENTS:
        return _finish(*_draw(ACCENTS[role], palette, rng), role, rng)
    return main
