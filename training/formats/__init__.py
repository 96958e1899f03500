"""Readers for data sets of annotated images. What a file is, is told from its content.

`read_annotations(source)` takes a file or a folder. Pickles, such as the `refs(...).p` that RefCOCO
and Ref-ZOM come with, are never read, since reading one runs whatever code is in it.
"""

from training.annotations.entries import SourceError
from training.formats.reading import read_annotations

__all__ = ["SourceError", "read_annotations"]
