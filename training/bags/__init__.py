"""Recordings (rosbag2) to data sets, without ROS."""
