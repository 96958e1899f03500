"""Everything that things are for, by theme."""

from __future__ import annotations

from training.instructions.purposes.cooking import COOKING
from training.instructions.purposes.eating import EATING
from training.instructions.purposes.living import LIVING
from training.instructions.purposes.office import OFFICE
from training.instructions.purposes.properties import PROPERTIES
from training.instructions.purposes.purpose import Purpose
from training.instructions.purposes.working import WORKING

PURPOSES: dict[str, Purpose] = {
    item.name: item
    for theme in (EATING, COOKING, WORKING, OFFICE, LIVING, PROPERTIES)
    for item in theme
}
"""Name -> purpose."""
