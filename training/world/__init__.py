"""Rendered RGB-D tabletop scenes with exact masks, names and geometry."""
