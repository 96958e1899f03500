"""Checkpoints of every kind: what lies on disk, and what is made of it."""
