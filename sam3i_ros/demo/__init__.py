"""The demo: recordings through the real node, scored against known truth, told in one page."""

from sam3i_ros.demo.command import demo_command

__all__ = ["demo_command"]
