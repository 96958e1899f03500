"""What the packages need besides their modules is in their wheels."""

from __future__ import annotations

from pathlib import Path

from setuptools.config.pyprojecttoml import read_configuration

PROJECT = Path(__file__).resolve().parent.parent


def test_every_file_that_is_no_module_is_package_data():
    tool = read_configuration(PROJECT / "pyproject.toml", expand=False)["tool"]["setuptools"]
    for package in ("sam3i_model", "sam3i_ros", "training"):
        folder = PROJECT / package
        listed = {path for glob in tool["package-data"][package] for path in folder.glob(glob)}
        others = {
            path
            for path in folder.rglob("*")
            if path.is_file() and path.suffix != ".py" and "__pycache__" not in path.parts
        }
        assert others <= listed
