#!/usr/bin/env bash
# Sets up everything that `make demo` and `make test` need, in .venv. What is done already is
# not done again. PYTHON names the interpreter, TORCH_INDEX another package index for PyTorch.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly venv=$PWD/.venv
readonly stamps=$venv/stamps
readonly log=$PWD/build/setup.log

# Shared libraries that Open3D's wheel links to, and the packages that have them.
readonly libraries=(
  libEGL.so.1:libegl1
  libGL.so.1:libgl1
  libX11.so.6:libx11-6
  libidn2.so.0:libidn2-0
  libudev.so.1:libudev1
  libusb-1.0.so.0:libusb-1.0-0
)

fail() {
  printf '%s\n' "$@" >&2
  exit 1
}

refuse_sourced_ros() {
  [[ -n ${ROS_DISTRO:-} ]] && command -v ros2 >/dev/null || return 0
  fail "ROS 2 $ROS_DISTRO is sourced here. Build this package with it, in a workspace's src/:" \
    "  rosdep install --from-paths src --ignore-src -y" \
    "  python3 -m venv --system-site-packages venv && touch venv/COLCON_IGNORE" \
    "  . venv/bin/activate" \
    "  pip install -r src/sam3i_ros/requirements/robot.txt" \
    "  python -m colcon build --symlink-install --packages-select sam3i_ros" \
    "  . install/setup.bash && ros2 launch sam3i_ros demo.launch.py" \
    "For ROS 2 from PyPI all the same, start from a shell in which it is not sourced."
}

refuse_other_machines() {
  [[ $(uname -sm) == "Linux x86_64" ]] || fail \
    "PyPI has ROS 2 for x86-64 Linux only, and this is $(uname -sm)." \
    "Install ROS 2 here and build the package with colcon: see README.md, \"On a robot\"."
}

supported() {
  "$1" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] < (3, 14))' 2>/dev/null
}

# The interpreter to use; empty if there is none at all.
find_python() {
  if [[ -n ${PYTHON:-} ]]; then
    supported "$PYTHON" || fail "PYTHON=$PYTHON is no Python from 3.10 to 3.13."
    echo "$PYTHON"
    return
  fi
  local candidate
  for candidate in python3 python3.13 python3.12 python3.11 python3.10; do
    if supported "$candidate"; then
      echo "$candidate"
      return
    fi
  done
  command -v python3 >/dev/null || return 0
  fail "$(python3 --version) is not supported: ROS 2 on PyPI wants Python 3.10 to 3.13." \
    "Install one of them and name it: make PYTHON=python3.12 ..."
}

identify() {
  "$1" -c 'import sys; print(sys.base_prefix, *sys.version_info[:2])'
}

# Names of the Debian packages that are not there.
missing_packages() {
  local python=$1 name=python3 entry known
  [[ $python =~ ^python3\.[0-9]+$ ]] && name=$python
  command -v g++ >/dev/null || echo g++
  if [[ -z $python ]]; then
    echo python3 python3-dev python3-venv
  else
    "$python" -c 'import ensurepip, venv' 2>/dev/null || echo "$name-venv"
    "$python" -c 'import os, sysconfig as s
raise SystemExit(not os.path.exists(s.get_path("include") + "/Python.h"))' || echo "$name-dev"
  fi
  known=$(PATH=$PATH:/sbin:/usr/sbin ldconfig -p)
  for entry in "${libraries[@]}"; do
    [[ $known == *"${entry%%:*}"* ]] || echo "${entry##*:}"
  done
}

install_packages() {
  local packages
  mapfile -t packages < <(missing_packages "$1" | tr ' ' '\n')
  [[ ${#packages[@]} -gt 0 ]] || return 0
  local line="apt-get install -y --no-install-recommends ${packages[*]}"
  command -v apt-get >/dev/null || fail \
    "This machine lacks what Debian calls: ${packages[*]}" "Install it, then run this again."
  [[ $(id -u) -eq 0 ]] || fail "This machine lacks some packages. Install them, then run this again:" \
    "  sudo apt-get update && sudo $line"
  export DEBIAN_FRONTEND=noninteractive
  step "System packages: ${packages[*]}" "Is the network there?" \
    bash -c "apt-get update && $line"
}

# step TITLE REMEDY COMMAND...: runs the command with its output in the log.
step() {
  local title=$1 remedy=$2 begin=$SECONDS
  shift 2
  printf '%s ... ' "$title"
  printf '\n## %s\n' "$title" >>"$log"
  if "$@" >>"$log" 2>&1; then
    echo "$((SECONDS - begin)) s"
  else
    echo "failed"
    tail -n 20 "$log" >&2
    fail "" "$title failed. $remedy All of the output: $log"
  fi
}

hash_of() {
  cat -- "$@" | sha256sum | cut -c 1-16
}

# unless_done NAME KEY COMMAND...: runs the command if it was not run with this key before.
unless_done() {
  local stamp=$stamps/$1 key=$2
  shift 2
  [[ -f $stamp && $(<"$stamp") == "$key" ]] && return 0
  "$@"
  mkdir -p "$stamps"
  echo "$key" >"$stamp"
}

make_environment() {
  # A moved checkout or an upgraded Python leaves an environment that can't be mended.
  step "Virtual environment .venv" "Is the disk full?" "$1" -m venv --clear "$venv"
}

pip() {
  "$venv/bin/python" -m pip --disable-pip-version-check --no-input "$@"
}

install_torch() {
  step "PyTorch from $TORCH_INDEX" "Has that index $(grep '^torch' requirements/torch.txt)?" \
    pip install --no-deps --force-reinstall --index-url "$TORCH_INDEX" -r requirements/torch.txt
}

install_requirements() {
  step "Python packages (minutes)" \
    "Is the package index reachable? PIP_INDEX_URL names another one." \
    pip install -r requirements/training.txt -r requirements/build.txt -r requirements/dev.txt
}

build_interfaces() {
  step "ROS 2 interfaces (half a minute)" "\`make clean\`, then run this again." \
    scripts/build_interfaces.sh "$venv"
}

install_package() {
  step "This package" "\`make clean\`, then run this again." \
    pip install --no-deps --no-build-isolation -e .
}

main() {
  refuse_sourced_ros
  refuse_other_machines
  mkdir -p build
  exec 9>build/setup.lock  # two set-ups at once would trip over each other
  flock -n 9 || { echo "Another set-up is running; waiting for it." && flock 9; }

  local python requirements interfaces
  python=$(find_python)
  install_packages "$python"
  python=${python:-python3}

  requirements=$(hash_of requirements/{torch,base,training,ros,build,dev,engines}.txt)
  interfaces=$(hash_of msg/*.msg srv/*.srv CMakeLists.txt package.xml sam3i_ros/__init__.py \
    scripts/build_interfaces.sh scripts/relocate_ros_wheels.py requirements/{ros,build}.txt)

  unless_done environment "$PWD $(identify "$python")" make_environment "$python"
  [[ -z ${TORCH_INDEX:-} ]] || unless_done torch "$TORCH_INDEX $requirements" install_torch
  unless_done requirements "$requirements" install_requirements
  unless_done interfaces "$interfaces" build_interfaces
  unless_done package "$(hash_of pyproject.toml)" install_package
}

main
