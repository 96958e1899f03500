"""HTML pages that people open from disk."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import cv2
import jinja2
import numpy as np
import numpy.typing as npt

JPEG_QUALITY = 82


def template(package: str, name: str, **filters: Callable[..., Any]) -> jinja2.Template:
    """A template that lies in a package. What it shows is escaped, and a missing value an error."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(package, "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(filters)
    return environment.get_template(name)


def data_uri(rgb: npt.NDArray[np.uint8]) -> str:
    """uint8 RGB (H, W, 3) as a JPEG that a page can hold."""
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode("ascii")
