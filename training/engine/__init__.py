"""The data engine for annotated images: generate texts, inspect them, export SAM3-I's JSON.

Each step can be replaced: `writing.Writer`, `checking.Checker`, `export.samples`.
"""
