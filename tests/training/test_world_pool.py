"""A pool of scenes: the same bytes for the same seed, goes on where it stopped, reads back."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import shlex
import shutil
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from sam3i_model.cli import build
from training.world import sequence, writing
from training.world.__main__ import app
from training.world.pool import PoolSpec, WorldPool
from training.world.preview import COLUMNS
from training.world.rendering import render_scene
from training.world.shapes import NAMED
from training.world.textures import load_photos
from training.world.writing import write_pool

SPEC = PoolSpec(count=5, seed=3, size=96, shard=2)


def write(folder: Path, spec: PoolSpec = SPEC) -> list[int]:
    heard: list[int] = []
    write_pool(folder, spec, 1, "test", heard.append)
    return heard


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pool") / "scenes"
    assert write(folder) == [1] * 5
    return folder


def test_a_scene_is_fixed_by_seed_and_index(pool: Path):
    photos = load_photos()
    stored = WorldPool(pool)
    for index in (0, 3):
        again = render_scene(photos, SPEC.seed, index, SPEC.size)
        rgb, labels, objects = stored[index]
        assert np.array_equal(again.rgb, rgb)
        assert np.array_equal(again.labels, labels)
        assert np.array_equal(again.parts, stored.parts(index))
        assert json.loads(json.dumps(again.objects)) == objects
    other = render_scene(photos, SPEC.seed + 1, 0, SPEC.size)
    assert not np.array_equal(other.rgb, stored[0][0])


def test_records_describe_the_labels(pool: Path):
    stored = WorldPool(pool)
    assert len(stored) == 5
    for index in range(5):
        rgb, labels, objects = stored[index]
        assert rgb.shape == (96, 96, 3)
        assert rgb.dtype == labels.dtype == np.uint8
        assert len(objects) >= 2
        assert [record["label"] for record in objects] == list(range(1, len(objects) + 1))
        assert set(np.unique(labels)) - {0} == {record["label"] for record in objects}
        for record in objects:
            rows, columns = np.nonzero(labels == record["label"])
            assert record["area"] == len(rows) >= 60 * 96 * 96 / 256**2
            x0, y0, x1, y1 = record["box"]
            assert (x0, x1 - 1) == (columns.min(), columns.max())
            assert (y0, y1 - 1) == (rows.min(), rows.max())
            assert 0 < record["visible"] <= 1
            assert record["color"] is None or record["color"] in record["colors"]
            assert len(record["colors"]) <= 8
            here = stored.parts(index)[labels == record["label"]]
            wanted = {part["label"]: part["area"] for part in record["parts"]} or {0: len(here)}
            found, areas = np.unique(here, return_counts=True)
            assert dict(zip(found.tolist(), areas.tolist(), strict=True)) == wanted


def test_it_goes_on_where_it_stopped(pool: Path):
    first, second = pool / "shard-0000" / "rgb.npy", pool / "shard-0001" / "rgb.npy"
    kept, wanted = first.stat().st_mtime_ns, second.read_bytes()
    for file in second.parent.iterdir():
        file.unlink()
    second.parent.rmdir()
    unfinished = pool / ".unfinished-0001"
    unfinished.mkdir()
    (unfinished / "rgb.npy").write_bytes(b"half")
    assert [len(WorldPool(pool)), write(pool)] == [3, [2, 1, 1, 1]]
    assert second.read_bytes() == wanted
    assert first.stat().st_mtime_ns == kept
    assert not unfinished.exists()
    assert len(WorldPool(pool)) == 5


def test_a_pool_of_another_seed_is_not_mixed_in(pool: Path):
    with pytest.raises(ValueError, match="another seed"):
        write(pool, PoolSpec(count=5, seed=4, size=96, shard=2))


def test_a_smaller_count_is_refused_and_deletes_nothing(pool: Path):
    with pytest.raises(ValueError, match="up to number 5: give --count 5 or more"):
        write(pool, PoolSpec(count=3, seed=3, size=96, shard=2))
    assert len(WorldPool(pool)) == 5
    assert json.loads((pool / "meta.json").read_text())["count"] == 5


def test_a_shard_that_grows_is_there_until_the_longer_one_is_whole(pool: Path, tmp_path: Path):
    grown = tmp_path / "grown"
    shutil.copytree(pool, grown)
    more = PoolSpec(count=6, seed=3, size=96, shard=2)
    heard: list[int] = []

    def stopped() -> None:
        heard.append(len(WorldPool(grown)))
        if len(heard) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        writing.write_shard(grown, more, 2, load_photos(), stopped)
    assert [heard, len(WorldPool(grown))] == [[5, 5], 5]
    writing.write_shard(grown, more, 2, load_photos(), lambda: None)
    assert len(WorldPool(grown)) == 6
    assert np.array_equal(WorldPool(grown)[4][0], WorldPool(pool)[4][0])


def test_what_cannot_be_written_is_told_in_one_line_and_keeps_the_rest(pool: Path, tmp_path: Path):
    spoilt = tmp_path / "pool"
    shutil.copytree(pool, spoilt)
    (spoilt / ".unfinished-0002").write_text("in the way")
    with pytest.raises(OSError, match=r"can't be written \(File exists\): make room") as told:
        write(spoilt, PoolSpec(count=6, seed=3, size=96, shard=2))
    assert "\n" not in str(told.value)
    assert len(WorldPool(spoilt)) == 5


def test_a_process_that_dies_is_told():
    context = multiprocessing.get_context("spawn")
    dead = context.Process(target=os._exit, args=(9,))
    dead.start()
    with pytest.raises(ChildProcessError, match="died"):
        writing._watch([dead], context.Queue(), lambda count: None)


def test_room_is_taken_before_anything_is_rendered(tmp_path: Path, monkeypatch):
    array = writing._reserved(tmp_path / "rgb.npy", (10, 96, 96, 3))
    assert array.shape == (10, 96, 96, 3)
    assert (tmp_path / "rgb.npy").stat().st_blocks * 512 >= 10 * 96 * 96 * 3
    # what a stop left takes up all room
    (tmp_path / "new/.unfinished-0001").mkdir(parents=True)

    def usage(path: Path) -> SimpleNamespace:
        return SimpleNamespace(free=0 if list(path.glob(".*")) else 2**20)

    monkeypatch.setattr(writing.shutil, "disk_usage", usage)
    spec = PoolSpec(count=100, seed=3, size=96, shard=2)
    with pytest.raises(OSError, match="100 scenes need 4 MiB, 1 are free"):
        write(tmp_path / "new", spec)


def test_a_stop_leaves_nothing_unfinished(tmp_path: Path, monkeypatch):
    def stopped(*given: object) -> None:
        (tmp_path / ".unfinished-0001").mkdir()
        raise KeyboardInterrupt

    monkeypatch.setattr(writing, "_watch", stopped)
    with pytest.raises(KeyboardInterrupt):
        write_pool(tmp_path, SPEC, 0, "test", print)
    assert [path.name for path in tmp_path.iterdir()] == ["meta.json"]


@pytest.mark.parametrize(
    ("name", "kept"),
    [("rgb.npy", 5000), ("labels.npy", 50), ("parts.npy", 0), ("objects.json", 900)],
)
def test_a_damaged_shard_is_named_with_the_remedy(pool: Path, tmp_path: Path, name: str, kept: int):
    spoilt = tmp_path / "pool"
    shutil.copytree(pool, spoilt)
    os.truncate(spoilt / "shard-0001" / name, kept)
    for use in (lambda: WorldPool(spoilt)[2], lambda: write(spoilt)):
        with pytest.raises(OSError, match="shard-0001 is damaged: delete it and render again"):
            use()
    (spoilt / "shard-0001" / name).unlink()
    with pytest.raises(OSError, match="shard-0001 is damaged"):
        WorldPool(spoilt)


def test_records_damaged_inside_are_told_when_they_are_read(pool: Path, tmp_path: Path):
    spoilt = tmp_path / "pool"
    shutil.copytree(pool, spoilt)
    (spoilt / "shard-0001/objects.json").write_text("[[{]")
    with pytest.raises(OSError, match="shard-0001 is damaged"):
        WorldPool(spoilt)[2]


def test_a_reader_can_be_sent_to_another_process(pool: Path):
    stored = WorldPool(pool)
    rgb = stored[4][0]
    sent = pickle.dumps(stored)
    assert len(sent) < 5000
    assert np.array_equal(pickle.loads(sent)[4][0], rgb)
    with pytest.raises(IndexError):
        stored[5]
    with pytest.raises(FileNotFoundError, match="sam3i render pool"):
        WorldPool(pool / "nothing")


def test_a_folder_without_photos_is_told_in_one_line(tmp_path: Path):
    with pytest.raises(ValueError, match=r"no readable .jpg or .png"):
        load_photos(tmp_path)


def test_own_photos_are_added(tmp_path: Path):
    sheet = tmp_path / "sh\udce9et.png"  # a name that isn't UTF-8
    result = CliRunner().invoke(app, ["preview", str(sheet), "--count", "2", "--size", "64"])
    assert result.exit_code == 0, result.output
    assert len(load_photos(tmp_path)) == len(load_photos()) + 1


@pytest.mark.parametrize("page", ["kinds", "parts"])
def test_the_other_pages_show_every_kind(tmp_path: Path, page: str):
    sheet = tmp_path / "sheet.png"
    result = CliRunner().invoke(app, ["preview", str(sheet), "--page", page, "--size", "64"])
    assert result.exit_code == 0, result.output
    rows = -(-len(NAMED) // COLUMNS)
    assert cv2.imread(str(sheet)).shape == (64 * rows, 64 * COLUMNS, 3)


def test_help_names_every_command():
    text = CliRunner().invoke(app, ["--help"]).output
    assert all(name in text for name in ("pool", "sequence", "tote", "preview"))


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("pool new --photos empty", 1, "no readable .jpg or .png under empty"),
        ("pool file", 1, "file can't be a folder (File exists): name another"),
        ("pool half", 1, "half/meta.json can't be read"),
        ("pool new --seed -1", 2, "--seed"),
        ("sequence empty", 1, "empty exists already"),
        ("preview sheet", 1, "sheet is no name of a picture: give one that ends in .png"),
        ("preview nowhere/sheet.png", 1, "there is no folder nowhere"),
    ],
)
def test_mistakes_are_one_line(tmp_path: Path, monkeypatch, words: str, code: int, said: str):
    monkeypatch.chdir(tmp_path)
    for folder in ("empty", "half"):
        Path(folder).mkdir()
    Path("file").touch()
    Path("half/meta.json").touch()
    result = CliRunner().invoke(build("render"), ["render", *words.split()])
    assert result.exit_code == code, result.output
    assert isinstance(result.exception, SystemExit)
    assert said in " ".join(result.output.split())
    assert not Path("new").exists()


def test_a_seed_without_a_good_scene_is_one_line(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(sequence, "TRIES", 0)
    result = CliRunner().invoke(build("render"), ["render", "sequence", str(tmp_path / "film")])
    assert (result.exit_code, list(tmp_path.iterdir())) == (1, [])
    assert result.stderr.splitlines()[-1] == "no good scene in 0 tries; choose another seed"


def test_a_pool_says_the_command_that_makes_it(tmp_path: Path, monkeypatch):
    said: list[str] = []
    monkeypatch.setattr(writing, "write_pool", lambda *given: said.append(given[3]))
    given = ["pool", str(tmp_path / "a pool"), "--count", "3", "--seed", "2", "--size", "64"]
    assert CliRunner().invoke(app, [*given, "--workers", "1"]).exit_code == 0
    assert shlex.split(said[0]) == ["sam3i", "render", *given]


def test_a_pool_that_is_interrupted_says_what_is_kept(tmp_path: Path, monkeypatch):
    def write_pool(*given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(writing, "write_pool", write_pool)
    result = CliRunner().invoke(app, ["pool", str(tmp_path / "pool")])
    assert result.exit_code == 130
    assert result.stderr.splitlines()[-1] == (
        f"stopped; whole thousands are kept in {tmp_path / 'pool'}: the same command goes on"
    )
