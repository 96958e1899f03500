"""Bags and scenes in, checkpoints and engines out. Imports no rclpy."""
