"""The set-up of a machine, as far as it can be tested without changing one."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
SCRIPTS = PROJECT / "scripts"
# What the script calls besides what a test puts in its way.
TOOLS = (
    *("bash", "cat", "cut", "date", "dirname", "env", "flock", "grep", "mkdir", "realpath"),
    *("sha256sum", "tail", "tr", "uname"),
)
LIBRARIES = "libegl1 libgl1 libx11-6 libidn2-0 libudev1 libusb-1.0-0"
INSTALL = "apt-get install -y --no-install-recommends"

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def setup(tmp_path: Path) -> Run:
    """Runs a copy of setup.sh where only TOOLS and the given commands (name=shell) exist."""
    shutil.copytree(SCRIPTS, tmp_path / "project" / "scripts")
    commands = tmp_path / "bin"
    commands.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found, f"this machine has no {tool}"
        (commands / tool).write_text(f'#!/bin/sh\nexec {found} "$@"\n')
    (commands / "python3").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')

    def run(environment: dict[str, str] | None = None, **shell: str) -> subprocess.CompletedProcess:
        for name, body in shell.items():
            (commands / name.replace("_", "-")).write_text(f"#!/bin/sh\n{body}\n")
        for path in commands.iterdir():
            path.chmod(0o755)
        return subprocess.run(
            [commands / "bash", tmp_path / "project" / "scripts" / "setup.sh"],
            env={"PATH": str(commands), "HOME": os.environ["HOME"], **(environment or {})},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def test_user_without_compiler_and_libraries_is_told_one_apt_line(setup: Run) -> None:
    result = setup(id="echo 1000", ldconfig="true", apt_get="exit 99")
    assert result.returncode == 1
    assert result.stderr.splitlines() == [
        "This machine lacks some packages. Install them, then run this again:",
        f"  sudo apt-get update && sudo {INSTALL} g++ {LIBRARIES}",
    ]


def test_root_gets_what_is_missing_installed(setup: Run, tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    present = "libEGL.so.1 libGL.so.1 libX11.so.6 libidn2.so.0 libudev.so.1"
    record = f'echo "$*" >> {calls}; [ "$1" = update ]'
    result = setup(id="echo 0", ldconfig=f"echo {present}", apt_get=record)
    assert calls.read_text().splitlines() == [
        "update",
        "install -y --no-install-recommends g++ libusb-1.0-0",
    ]
    assert result.returncode == 1  # as this apt-get did not install anything
    assert "System packages: g++ libusb-1.0-0 failed." in result.stderr


def test_machine_without_apt_is_told_the_names(setup: Run) -> None:
    result = setup(ldconfig="true")
    assert result.returncode == 1
    assert f"lacks what Debian calls: g++ {LIBRARIES}" in result.stderr


def test_sourced_ros_is_sent_to_colcon(setup: Run) -> None:
    result = setup({"ROS_DISTRO": "jazzy"}, ros2="true")
    assert result.returncode == 1
    assert result.stderr.startswith("ROS 2 jazzy is sourced here.")
    assert "colcon build" in result.stderr


def test_arm_is_sent_to_a_ros_install(setup: Run) -> None:
    result = setup(uname="echo Linux aarch64")
    assert result.returncode == 1
    assert "PyPI has ROS 2 for x86-64 Linux only, and this is Linux aarch64." in result.stderr


def test_unsupported_python_is_named(setup: Run) -> None:
    result = setup({"PYTHON": "python2"}, python2="exit 1")
    assert result.returncode == 1
    assert result.stderr == "PYTHON=python2 is no Python from 3.10 to 3.13.\n"


@pytest.mark.parametrize("script", sorted(SCRIPTS.glob("*.sh")), ids=lambda path: path.name)
def test_script_is_valid_bash_and_executable(script: Path) -> None:
    subprocess.run(["bash", "-n", script], check=True)
    assert os.access(script, os.X_OK)


def test_wheels_are_relocated_once(tmp_path: Path) -> None:
    relocate = runpy.run_path(str(SCRIPTS / "relocate_ros_wheels.py"))["relocate"]
    exports = tmp_path / "share" / "std_msgs" / "cmake" / "std_msgsExport.cmake"
    exports.parent.mkdir(parents=True)
    builder = "/opt/python/cp311-cp311"
    exports.write_text(
        f'set(A "{builder}/include/python3.11;'
        f'{builder}/lib/python3.11/site-packages/numpy/_core/include")\n'
        'set(B "/usr/include")\n'
    )
    assert relocate(tmp_path, "/py/include", "/np/include") == 1
    assert exports.read_text() == 'set(A "/py/include;/np/include")\nset(B "/usr/include")\n'
    assert relocate(tmp_path, "/py/include", "/np/include") == 0


def test_version_is_the_same_for_pip_and_for_colcon() -> None:
    pip = re.search(r'^version = "(.+)"$', (PROJECT / "pyproject.toml").read_text(), re.MULTILINE)
    colcon = ElementTree.parse(PROJECT / "package.xml").findtext("version")
    assert pip
    assert pip[1] == colcon


def test_robots_and_tests_use_the_same_versions() -> None:
    tested = pins(PROJECT / "requirements" / "base.txt")
    robot = pins(PROJECT / "requirements" / "robot.txt")
    shared = robot.keys() & tested.keys()
    assert {"transformers", "tokenizers", "rosbags"} <= shared
    assert {name: robot[name] for name in shared} == {name: tested[name] for name in shared}


def test_what_colcon_tests_needs_nothing_that_only_training_needs() -> None:
    cmake = (PROJECT / "CMakeLists.txt").read_text()
    assert re.findall(r"ament_add_pytest_test\(\w+ (\S+)", cmake) == ["tests/ros"]
    for path in (PROJECT / "tests" / "ros").glob("*.py"):
        imported = re.findall(r"^ *(?:from|import) ([\w.]+)", path.read_text(), re.MULTILINE)
        ours = {name for name in imported if name.startswith("training")}
        assert ours <= {"training.world", "training.world.bag"}, path
        assert not {"hypothesis", "pycocotools", "accelerate"} & {*imported}, path


def test_wheels_have_all_that_is_no_code(tmp_path: Path) -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True)
    if not tracked.stdout:
        pytest.skip("needs a git checkout")
    packages = ("sam3i_model/", "sam3i_ros/", "training/")
    files = [name for name in tracked.stdout.splitlines() if name.startswith(packages)]
    for name in (*files, "pyproject.toml", "setup.py"):
        copy = tmp_path / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(PROJECT / name, copy)
    # What a wheel is packed from.
    subprocess.run([sys.executable, "setup.py", "-q", "build"], cwd=tmp_path, check=True)
    lib = tmp_path / "build" / "lib"
    packed = {str(path.relative_to(lib)) for path in lib.rglob("*")}
    assert "training/evaluation/report.html" in packed
    assert set(files) - packed == set()


def pins(path: Path) -> dict[str, set[str]]:
    """Versions pinned with == in a requirements file, by name."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([\w.]+)", path.read_text(), re.MULTILINE):
        found.setdefault(name, set()).add(version)
    return found
