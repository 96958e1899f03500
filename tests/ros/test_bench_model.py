"""`sam3i bench model`: what it reads, what it writes, what it says of mistakes."""

from __future__ import annotations

import json
import platform
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from sam3i_model import cli
from sam3i_model.engines.interface import EngineError
from sam3i_ros.bags import BagError
from sam3i_ros.bench import model_options
from sam3i_ros.bench.model_options import numbers, sentences
from sam3i_ros.bench.model_page import number, ticks, write_page
from sam3i_ros.bench.pictures import evenly, read_pictures
from sam3i_ros.messages import image_msg
from tests.ros.recordings import header, moment, refused, write
from tests.ros.rig import scene

TOPIC = "/cam/rgb/image_raw"
ONCE = ("--instructions", "1", "--repeat", "1")


def bench(*options: str) -> Result:
    return CliRunner().invoke(cli.build("bench"), ["bench", "model", *options])


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five frames of growing brightness, with depth."""
    lines = []
    for index in range(5):
        _, depth, info = moment(100 * index)
        picture = np.full((48, 64, 3), 10 * index, np.uint8)
        colour = image_msg(picture, "rgb8", header(100 * index))
        lines += [(100 * index, TOPIC, colour), depth, info]
    return write(tmp_path_factory.mktemp("bench") / "bag", lines)


def test_frames_of_a_bag_are_spread_over_it(bag):
    found = read_pictures([bag], "", 3)
    assert [int(p[0, 0, 0]) for p in found] == [0, 20, 40]
    assert all(p.shape == (48, 64, 3) for p in found)
    (file,) = bag.glob("*.mcap")
    assert len(read_pictures([file], TOPIC, 16)) == 5


def test_a_message_that_is_damaged_is_one_line(tmp_path):
    whole = moment(0)
    broken = ("sensor_msgs/msg/Image", b"\x00\x01\x00\x00\x01\x02")
    bag = write(tmp_path / "bag", [*whole, (100, TOPIC, broken)])
    with pytest.raises(BagError, match=f"A message on {TOPIC} is damaged"):
        read_pictures([bag], "", 2)


def test_figures_of_the_bundled_model_on_a_bag(bag, tmp_path):
    out = tmp_path / "new" / "bench"
    said = bench(
        *("--frames", str(bag), "--count", "1", "--instructions", "2,1", "--repeat", "1"),
        *("--say", "the <b>red</b> mug", "--image-size", "192", "--out", str(out)),
    )
    assert said.exit_code == 0, said.output
    figures = json.loads((out / "model.json").read_text())
    assert (figures["input_px"], figures["frames"]) == (192, ["64x48"])
    assert figures["instructions"] == ["the <b>red</b> mug", "the red thing"]
    assert list(figures["ms"]) == ["PyTorch, cpu", "Sam3Model, a call each"]
    assert list(figures["ms"]["PyTorch, cpu"]) == ["1", "2"]
    page = (out / "model.html").read_text()
    for by_count in figures["ms"].values():
        for stages in by_count.values():
            for times in stages.values():
                assert f"<td>{number(times['median'])} <small>{number(times['p95'])}<" in page
                assert f"{number(times['median'])} ({number(times['p95'])})" in said.output
    for ratio in figures["times_faster_than_plain_calls"]["PyTorch, cpu"].values():
        assert f"{ratio:.2f}" in page
    assert "1 frames" not in page
    assert "1 frame, each answered once by" in re.sub(r"\s+", " ", page)
    assert re.search(r"ms, median \(p95\) +1 at once +2 at once", said.output)
    assert f"versions: python {platform.python_version()}, " in said.output
    assert page.count("<polyline") == 2
    assert page.count("<circle") == 4
    assert page.count("<rect") == 2 * 5
    assert "<b>red" not in page
    assert not re.search(r"https?://|<script|<link|<img|url\(", page)
    assert "default-src 'none'" in page


def test_a_name_can_be_given_to_the_files(tmp_path):
    picture = tmp_path / "photo.png"
    cv2.imwrite(str(picture), scene())
    out = tmp_path / "figures.json"
    said = bench("--frames", str(picture), *ONCE, "--out", str(out))
    assert said.exit_code == 0, said.output
    assert {p.name for p in tmp_path.iterdir()} == {"photo.png", "figures.json", "figures.html"}
    figures = json.loads(out.read_text())
    assert len(figures["instructions"]) == 1
    write_page(figures, out.with_suffix(".html"))  # what was written is enough for the page


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--instructions", "0,4"], "--instructions 0,4: give numbers from 1 to 16, such as 1,4,8"),
        (["--instructions", "17"], "give numbers from 1 to 16"),
        (["--instructions", "1,,2"], "give numbers from 1 to 16"),
        (["--instructions", "two"], "give numbers from 1 to 16"),
        (["nowhere", "--frames", "BAG"], "no checkpoint at 'nowhere'"),
        (["--frames", "BAG", "--image", "/other"], "the recording has no such colour image"),
        (["--frames", "none.mcap"], "No recording at none.mcap"),
        (["--frames", "none.png"], "there is nothing at 'none.png'"),
        (["--image", "/camera"], "--image /camera is the topic of a recording"),
        (["--frames", "BAG", "--backend", "onnx"], "run `sam3i export"),
        (["--frames", "BAG", "--backend", "auto"], "use torch, onnx or tensorrt"),
        (["--frames", "BAG", "--image-size", "100"], "give a multiple of 32"),
        (["--frames", "BAG", "--instructions", "1", "--say", "a", "--say", "b"], "1 at most"),
        (["--frames", "BAG", "--out", "FILE/new"], "name another place"),
    ],
)
def test_mistakes_end_in_one_line(words, said, bag, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "FILE").touch()
    result = bench(*(str(bag) if word == "BAG" else word for word in words))
    assert said in refused(result)


def test_an_exports_graphs_are_taken_at_their_size_or_refused(tmp_path, monkeypatch):
    engine = SimpleNamespace(config=SimpleNamespace(image_size=384))
    opened = SimpleNamespace(refused="", name="ONNX Runtime", engine=engine)
    monkeypatch.setattr(model_options, "locate", Path)
    monkeypatch.setattr(model_options, "read_manifest", lambda folder: object())
    monkeypatch.setattr(model_options, "open_checkpoint", lambda *given: opened)
    torch = SimpleNamespace(device=SimpleNamespace(type="cpu"))
    monkeypatch.setattr(model_options, "load", lambda *given, image_size: (torch, None))
    monkeypatch.setattr(model_options, "PlainCalls", lambda model: model)
    for size in (0, 384):
        engines, _ = model_options.open_engines(str(tmp_path), "cpu", None, size)
        assert list(engines)[:2] == ["PyTorch, cpu", "ONNX Runtime"]
    with pytest.raises(EngineError, match=r"has graphs of 384 px: .* or give --backend torch"):
        model_options.open_engines(str(tmp_path), "cpu", None, 448)
    engines, _ = model_options.open_engines(str(tmp_path), "cpu", ["torch"], 448)
    assert "ONNX Runtime" not in engines


def test_an_instruction_that_can_not_be_asked_is_one_line_after_the_bar(bag):
    result = bench("--frames", str(bag), "--say", " ", *ONCE)
    assert result.exit_code == 1
    bar, *said = result.output.strip().splitlines()
    assert bar.startswith("first answers")
    assert said == ["' ' can't be asked: the text is empty; say what to look for"]


def test_without_ros_a_bag_is_one_line_and_pictures_are_read(bag, tmp_path, monkeypatch, capsys):
    for name in [n for n in sys.modules if n.startswith("sam3i_ros.replay")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "rclpy.serialization", None)
    monkeypatch.setattr(sys, "argv", ["sam3i", "bench", "model", "--frames", str(bag)])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 1
    assert "sam3i bench needs 'rclpy.serialization', which is not installed" in " ".join(
        capsys.readouterr().err.split()
    )
    cv2.imwrite(str(tmp_path / "a.png"), scene())
    assert len(read_pictures([tmp_path], "", 4)) == 1


def test_numbers_of_instructions_and_the_sentences_for_them():
    assert numbers("16, 1,4,4") == [1, 4, 16]
    asked = sentences(["the red thing", "a spoon"], ["concept"], 16)
    assert len({i.text for i in asked}) == 16
    assert [i.text for i in asked[:2]] == ["the red thing", "a spoon"]
    assert {i.level.name for i in asked[2:]} == {"CONCEPT"}
    levels = {i.level.name for i in sentences([], ["concept", "simple", "complex"], 16)}
    assert levels == {"CONCEPT", "SIMPLE", "COMPLEX"}


def test_what_the_axes_say():
    assert evenly(5, 3) == [0, 2, 4]
    assert evenly(2, 8) == [0, 1]
    assert ticks(3046) == [0, 1000, 2000, 3000, 4000]
    assert ticks(0.7) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8])
    assert [number(v) for v in (0, 0.123, 12.34, 1234.5)] == ["0", "0.12", "12.3", "1234"]
