#!/usr/bin/env bash
# Builds msg/ and srv/ into a virtual environment: scripts/build_interfaces.sh [.venv]
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$(realpath "${1:-.venv}")
build=$venv/build/interfaces

# What a sourced ROS 2 set-up file would say.
libraries=$venv/lib
for directory in "$venv"/lib/python3.*/site-packages/ros_*.libs; do
  libraries+=:$directory
done
export PATH=$venv/bin:$PATH VIRTUAL_ENV=$venv LD_LIBRARY_PATH=$libraries
export AMENT_PREFIX_PATH=$venv CMAKE_PREFIX_PATH=$venv
export _ROS_WHEELS_BOOTSTRAP_COMPLETE=1  # spares every python a restart to set the same paths

python scripts/relocate_ros_wheels.py
cmake -S . -B "$build" -G Ninja -Wno-dev -DCMAKE_INSTALL_PREFIX="$venv" \
  -DPython3_EXECUTABLE="$venv/bin/python" -DSAM3I_ROS_INTERFACES_ONLY=ON -DBUILD_TESTING=OFF
cmake --build "$build"
cmake --install "$build"
