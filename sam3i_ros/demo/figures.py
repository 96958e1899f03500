"""The report's plots, as HTML fragments that share one copy of plotly.js."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
import plotly.io

from sam3i_ros.demo.results import Cloud
from sam3i_ros.demo.scoring import Row

MAX_SEGMENT_POINTS = 12000
MAX_CONTEXT_POINTS = 8000
REACH = 1.8  # of the segments' median depth
GREY = "rgba(128,128,128,0.25)"  # legible on light and on dark
TEXT = "#8a8f98"
FONT = "system-ui, sans-serif"

Colour = tuple[int, int, int]


def scene(
    cloud: Cloud,
    colours: dict[str, Colour],
    context: npt.NDArray[np.float32],
    context_rgb: npt.NDArray[np.uint8],
) -> tuple[str, float]:
    """Segments in the colours of their instructions within the scene's own points.

    `context` is (M, 3) m with its colours (M, 3). Both are in the camera's optical frame (x
    right, y down, z forward); the plot has z up, so that it looks as it stands. Also returns
    the depth in m beyond which points are left out, as a far wall would shrink all the rest.
    """
    far = REACH * float(np.median(cloud.xyz[:, 2]))
    near = np.flatnonzero(context[:, 2] < far)
    keep = near[_thin(len(near), MAX_CONTEXT_POINTS)]
    colour = [f"rgb({r},{g},{b})" for r, g, b in context_rgb[keep]]
    traces = [_points(context[keep], "scene", colour, 2.0)]
    near = np.flatnonzero(cloud.xyz[:, 2] < far)
    keep = near[_thin(len(near), MAX_SEGMENT_POINTS)]
    xyz, label = cloud.xyz[keep], cloud.label[keep]
    for text in dict.fromkeys(cloud.owner):
        mine = [index for index, owner in enumerate(cloud.owner, start=1) if owner == text]
        red, green, blue = colours[text]
        mask = np.isin(label, mine)
        traces.append(_points(xyz[mask], text, f"rgb({red},{green},{blue})", 2.5))
    axis = {"gridcolor": GREY, "zerolinecolor": GREY, "backgroundcolor": "rgba(0,0,0,0)"}
    figure = go.Figure(traces)
    figure.update_layout(
        template="none",
        height=600,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        paper_bgcolor="rgba(0,0,0,0)",
        font={"color": TEXT, "family": FONT},
        legend={"itemsizing": "constant", "x": 0, "y": 1, "bgcolor": "rgba(0,0,0,0)"},
        scene={
            "aspectmode": "data",  # a metre is a metre on all three axes
            "xaxis": {**axis, "title": "right, m"},
            "yaxis": {**axis, "title": "forward, m"},
            "zaxis": {**axis, "title": "up, m"},
            "camera": {  # from behind and above the camera
                "eye": {"x": 0.0, "y": -1.85, "z": 0.85},
                "center": {"x": 0.0, "y": 0.0, "z": -0.03},
            },
        },
    )
    return _html(figure), far


def quality(rows: Sequence[Row], frames: int) -> str:
    """IoU of each instruction over the frames of a source; frames not grounded stay empty."""
    texts = list(dict.fromkeys(row.instruction for row in rows))
    iou = np.full((len(texts), frames), np.nan)
    for row in rows:
        if row.iou is not None:
            iou[texts.index(row.instruction), row.frame] = row.iou
    figure = go.Figure(
        go.Heatmap(
            z=iou,
            x=np.arange(frames),
            y=texts,
            zmin=0,
            zmax=1,
            colorscale=[[0, "#c8453b"], [0.5, "#e8c468"], [1, "#2a9d6f"]],
            ygap=3,
            colorbar={"title": "IoU", "thickness": 10, "outlinewidth": 0},
            hovertemplate="%{y}<br>frame %{x}: %{z:.2f}<extra></extra>",
        )
    )
    figure.update_layout(
        template="none",
        height=110 + 30 * len(texts),
        margin={"l": 10, "r": 10, "t": 10, "b": 40},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": TEXT, "family": FONT},
        xaxis={"title": "frame", "showgrid": False, "zeroline": False},
        yaxis={"autorange": "reversed", "showgrid": False, "automargin": True},
    )
    return _html(figure)


def _points(xyz: npt.NDArray[np.float32], name: str, colour: object, size: float) -> go.Scatter3d:
    right, down, forward = xyz.T
    return go.Scatter3d(
        x=right,
        y=forward,
        z=-down,
        name=name,
        mode="markers",
        marker={"size": size, "color": colour},
        hovertemplate="%{x:.3f} %{y:.3f} %{z:.3f} m<extra>"
        + name.replace("<", "&lt;")
        + "</extra>",
    )


def _thin(count: int, limit: int) -> npt.NDArray[np.int64]:
    """Indices of at most `limit` of `count` points, evenly spread."""
    return np.linspace(0, count - 1, min(count, limit)).astype(np.int64)


def _html(figure: go.Figure) -> str:
    config = {"displayModeBar": False, "responsive": True}
    return str(plotly.io.to_html(figure, full_html=False, include_plotlyjs=False, config=config))
