"""Annotated images, in memory and in SAM3-I's JSON."""
