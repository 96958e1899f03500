"""Offline: a recorded bag through the node's own pipeline, results into a bag beside the camera."""

from sam3i_ros.replay.command import replay_command

__all__ = ["replay_command"]
