"""Which variable names the DDS profile, and whether one is set."""

from __future__ import annotations

import pytest

from sam3i_ros.dds import has_profile, profile_variable

OLD, NEW = "FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE"


@pytest.mark.parametrize(
    ("distribution", "named", "read"),
    [
        ("humble", OLD, {OLD}),
        ("jazzy", OLD, {OLD}),
        ("kilted", NEW, {OLD, NEW}),
        ("", NEW, {OLD, NEW}),
    ],
)
def test_the_profile(
    monkeypatch: pytest.MonkeyPatch, distribution: str, named: str, read: set[str]
) -> None:
    monkeypatch.setenv("ROS_DISTRO", distribution)
    monkeypatch.delenv(OLD, raising=False)
    monkeypatch.delenv(NEW, raising=False)
    assert profile_variable() == named
    assert not has_profile()
    for name in (OLD, NEW):
        with monkeypatch.context() as one:
            one.setenv(name, "profile.xml")
            assert has_profile() == (name in read)
