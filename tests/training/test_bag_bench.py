"""The measurement of docs/bags.md runs to its end."""

from __future__ import annotations

import json

from training.bags import bench


def test_the_figures_are_of_the_recording_that_was_made(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(bench, "SMALL", 0.005)
    monkeypatch.setattr(bench, "ROUNDS", 1)
    bench.main(0.01, False, bench.Compression.NONE, 2.0, tmp_path)
    figures = json.loads(capsys.readouterr().out)
    assert figures["megabytes"] == 9  # 6 frames of 1.5 MB
    assert figures["peak_mb"] > 0
    assert list(tmp_path.iterdir()) == []
