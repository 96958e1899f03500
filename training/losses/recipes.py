"""Every weight and constant of the losses, and the two sets that are in use.

`SAM3` has the values of SAM3-I's released training configuration, which are SAM 3's fine-tuning
values plus the alignment of its third stage; it is meant for models of full size. `SMALL` has those
that a small model was measured to learn well with (see the model card of the bundled checkpoint).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal, get_args

from training.losses.boxes import BoxForm
from training.losses.focal import Focal
from training.losses.matching import Hungarian, Matching, TopQueries
from training.losses.targets import Grid

QUERY_TERMS = ("class", "l1", "giou", "mask", "dice")
"""Terms of every decoder layer's queries, in the one-to-one and the one-to-many half."""
TERMS = (*QUERY_TERMS, "presence", "semantic", "semantic_dice")


@dataclass(frozen=True)
class IouAware:
    """SAM 3's class loss (IABCE): the score of a matched query learns how good its box is.

    A matched query's truth is max(floor, p^share * IoU^(1 - share)) instead of 1, and it is not
    modulated by gamma. Texts that denote nothing are left to the presence loss.

    Args:
        share: Exponent of the query's own probability.
        floor: Least truth of a matched query.
        queries: The sum is divided by this many queries a text, or by as many as there are if
            that is more.
    """

    share: float = 0.25
    floor: float = 0.01
    queries: int = 200

    def __post_init__(self) -> None:
        if not (0 <= self.share <= 1 and 0 <= self.floor <= 1 and self.queries >= 1):
            raise ValueError("share and floor must be 0 to 1, queries at least 1")


@dataclass(frozen=True)
class OneToMany:
    """The one-to-many half: as many queries again, of which several may match one object.

    Args:
        matching: Its matchers.
        weight: Its weight relative to the one-to-one half.
    """

    matching: Matching
    weight: float


@dataclass(frozen=True)
class Alignment:
    """SAM3-I's alignment of a simple and a complex instruction (see `training.losses.alignment`).

    Args:
        kl: Weight of the symmetric KL divergence of the semantic maps.
        hard: Weight of the hard region loss.
        contrast: Weight of the instance contrast.
        anchor: Weight of the concept anchors.
        temperature: Of the contrast's cosines.
        same_concept: Weight (rho) of negatives with the same concept in the contrast.
        margin: Of the concept anchors, in cosine.
    """

    kl: float = 0.001
    hard: float = 1.0
    contrast: float = 1.0
    anchor: float = 1.0
    temperature: float = 0.1
    same_concept: float = 0.5
    margin: float = 0.2

    def __post_init__(self) -> None:
        negative = [f.name for f in fields(self) if getattr(self, f.name) < 0]
        if negative:
            raise ValueError(f"{', '.join(negative)} must not be negative")
        if self.temperature == 0:
            raise ValueError("temperature must be above 0")


@dataclass(frozen=True)
class Recipe:
    """How outputs are matched and judged; formulas are in `training.losses.grounding`.

    Args:
        weights: Of every name in `TERMS`.
        matching: The matchers of the one-to-one queries.
        one_to_many: The one-to-many half; none: the recipe has no such half.
        early_layers: Weight of every decoder layer but the last.
        masks_in: Layers whose masks are judged.
        l1_on: Coordinates of the L1 loss.
        classes: Class loss of queries. With `iou_aware`, gamma counts for unmatched ones only.
        iou_aware: Class loss that knows the boxes; none: plain focal loss, summed over all
            queries and divided by the number of objects.
        presence: Loss of the presence logits.
        mask: Loss of instance masks, cell by cell.
        area_floor: Divide an object's mask loss by its share of the image plus this, since small
            objects would drown in the background; none: don't.
        semantic: Loss of the semantic map, cell by cell.
        semantic_over: Texts whose semantic map is judged by it: all, or those that denote
            something. Dice is always over the latter.
        grid: Size at which masks are compared.
        root_of_texts: Multiply the weighted sum by the square root of the number of texts.
        alignment: Of instruction levels.

    Raises:
        ValueError: A setting isn't usable; the message says which.
    """

    weights: Mapping[str, float]
    matching: Matching
    one_to_many: OneToMany | None
    early_layers: float
    masks_in: Literal["all", "last"]
    l1_on: BoxForm
    classes: Focal
    iou_aware: IouAware | None
    presence: Focal
    mask: Focal
    area_floor: float | None
    semantic: Focal
    semantic_over: Literal["all", "present"]
    grid: Grid
    root_of_texts: bool
    alignment: Alignment

    def __post_init__(self) -> None:
        if set(self.weights) != set(TERMS):
            raise ValueError(f"weights must be those of {', '.join(TERMS)}")
        if min(*self.weights.values(), self.early_layers) < 0:
            raise ValueError("weights must not be negative")
        if self.area_floor is not None and self.area_floor <= 0:
            raise ValueError("area_floor must be above 0")
        choices = {
            "masks_in": ("all", "last"),
            "l1_on": get_args(BoxForm),
            "semantic_over": ("all", "present"),
            "grid": get_args(Grid),
        }
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} is '{getattr(self, name)}', must be one of {allowed}")


_SAM3_HUNGARIAN = Hungarian(l1_on="centre", focal=Focal(0.25, 0.75, gamma=2))

SAM3 = Recipe(
    weights={
        "class": 20.0,
        "l1": 5.0,
        "giou": 2.0,
        "mask": 200.0,
        "dice": 10.0,
        "presence": 20.0,
        "semantic": 20.0,
        "semantic_dice": 30.0,
    },
    matching=Matching(early=_SAM3_HUNGARIAN, last=_SAM3_HUNGARIAN),
    one_to_many=OneToMany(Matching(early=_SAM3_HUNGARIAN, last=TopQueries()), weight=2.0),
    early_layers=1.0,
    masks_in="last",
    l1_on="centre",
    classes=Focal(10.0, 1.0, gamma=2),
    iou_aware=IouAware(),
    presence=Focal(0.5, 0.5, gamma=0),
    mask=Focal(0.25, 0.75, gamma=2),
    area_floor=None,
    semantic=Focal(0.6, 0.4, gamma=2),
    semantic_over="present",
    grid="target",
    root_of_texts=True,
    alignment=Alignment(),
)

SMALL = Recipe(
    weights={
        "class": 4.0,
        "l1": 5.0,
        "giou": 2.0,
        "mask": 2.0,
        "dice": 3.0,
        "presence": 4.0,
        "semantic": 4.0,
        "semantic_dice": 1.0,
    },
    matching=Matching(early=Hungarian(l1_on="corners", copies=2), last=Hungarian(l1_on="corners")),
    one_to_many=None,
    early_layers=0.5,
    masks_in="all",
    l1_on="corners",
    classes=Focal(0.6, 0.4, gamma=2),
    iou_aware=None,
    presence=Focal(1.0, 1.0, gamma=0),
    mask=Focal(0.3, 0.3, gamma=1),
    area_floor=0.02,
    semantic=Focal(1.0, 1.0, gamma=0),
    semantic_over="all",
    grid="map",
    root_of_texts=False,
    alignment=Alignment(),
)

RECIPES = {"sam3": SAM3, "small": SMALL}
