"""Rendered RGB-D tabletop scenes with exact masks, names and geometry."""

BAG_VERSION = 5
"""Of the recordings made here; another number has those that are kept made anew."""
