"""Words that stay out of the vocabulary on purpose, so that the model learns to meet such ones."""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# Nouns for things the world never shows: a noun that the model doesn't know isn't there.
OUTSIDE: tuple[str, ...] = _words(
    """
    stapler ruler eraser washer gear adapter fuse sensor tripod printer scanner router speaker
    microphone drone helmet glove vest jacket hat scarf belt wallet rope envelope stamp newspaper
    clipboard calendar clock towel tissue broom vacuum whisk grater peeler toaster blender
    microwave cork napkin rock feather plum grape melon cheese sausage doughnut chocolate duck
    airplane boat puppet puzzle domino guitar violin piano drum trumpet flute umbrella pillow
    blanket curtain ladder shovel rake hose valve magnet bird spider broccoli wrapper funnel
    thermometer syringe compass trophy candlestick corkscrew stethoscope abacus easel hourglass
    kite saxophone harmonica tambourine accordion crowbar anvil protractor telescope microscope
    parachute snorkel skateboard sled canoe thimble bobbin rattle marionette pretzel croissant
    muffin pineapple coconut kiwi radish turnip leek garlic pumpkin lettuce zucchini dumbbell
    frisbee racket
    """
)

# Modifiers that say nothing about which object is meant: an unknown word before a known noun is no
# reason to refuse.
IDLE_ADJECTIVES: tuple[str, ...] = _words(
    """
    dusty expensive pretty ugly simple modern vintage sturdy weird splendid genuine quaint flimsy
    mundane pristine rustic humble exquisite mediocre
    """
)
