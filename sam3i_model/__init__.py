"""An image and instructions in, masks out. No ROS, no bags, no training."""
