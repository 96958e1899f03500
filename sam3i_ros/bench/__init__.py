"""What the model and the node cost, whether it stays well for long, and how well it tracks."""

from sam3i_ros.bench.command import app

__all__ = ["app"]
