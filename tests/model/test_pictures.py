"""Picture files of any kind."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image, features

from sam3i_model.pictures import read_rgb

RED = np.full((4, 6, 3), (200, 10, 20), np.uint8)


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.webp", "a.tiff", "a.gif"])
def test_any_common_format_is_rgb(tmp_path, name):
    Image.fromarray(RED).save(tmp_path / name, **({"lossless": True} if "webp" in name else {}))
    np.testing.assert_array_equal(read_rgb(tmp_path / name), RED)


def test_grey_deep_and_transparent_pictures_have_three_channels(tmp_path):
    cv2.imwrite(str(tmp_path / "deep.png"), np.full((4, 6), 0x8000, np.uint16))
    cv2.imwrite(str(tmp_path / "clear.png"), np.full((4, 6, 4), (30, 20, 10, 0), np.uint8))
    assert read_rgb(tmp_path / "deep.png").tolist() == np.full((4, 6, 3), 128).tolist()
    assert read_rgb(tmp_path / "clear.png")[0, 0].tolist() == [10, 20, 30]


@pytest.mark.parametrize(
    ("brightest", "stored", "shown"),
    [(255, 100, 25), (1023, 400, 100), (4000, 1600, 100), (16000, 6400, 100), (65535, 25600, 100)],
)
def test_cameras_of_ten_to_fourteen_bits_are_as_bright_as_others(
    tmp_path, brightest, stored, shown
):
    deep = np.full((4, 6, 3), stored, np.uint16)
    deep[0, 0] = brightest
    for name in ("a.png", "a.tiff"):
        cv2.imwrite(str(tmp_path / name), deep)
        assert read_rgb(tmp_path / name)[1:].tolist() == np.full((3, 6, 3), shown).tolist()


@pytest.mark.parametrize("name", ["a.bmp", "a.tiff", "a.ppm"])
def test_a_picture_wider_than_opencv_takes_is_none(tmp_path, name):
    Image.new("L", (2**20 + 1, 1)).save(tmp_path / name)
    assert read_rgb(tmp_path / name) is None


def test_a_picture_of_floats_is_none(tmp_path):
    (tmp_path / "a.pfm").write_bytes(b"Pf\n6 4\n-1\n" + np.ones((4, 6), np.float32).tobytes())
    assert read_rgb(tmp_path / "a.pfm") is None


def test_a_photograph_held_upright_is_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    Image.fromarray(RED).save(tmp_path / "a.jpg", exif=exif)
    assert read_rgb(tmp_path / "a.jpg").shape == (6, 4, 3)


@pytest.mark.parametrize("kind", ["JPEG", "MPO"])
def test_a_photograph_that_is_cut_off_is_none_and_one_with_more_behind_it_is_whole(
    tmp_path, monkeypatch, kind
):
    path = tmp_path / "a.jpg"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    second = {"save_all": True, "append_images": [Image.fromarray(noise)]} if kind == "MPO" else {}
    Image.fromarray(noise).save(path, kind, **second)
    assert Image.open(path).format == kind
    whole = path.read_bytes()
    expected = read_rgb(path)
    path.write_bytes(whole + bytes(9000))
    np.testing.assert_array_equal(read_rgb(path), expected)
    # as older OpenCV does with a cut one
    monkeypatch.setattr(cv2, "imdecode", lambda data, flags: np.full((64, 64, 3), 128, np.uint8))
    path.write_bytes(whole[: whole.index(b"\xff\xda") + 500])  # amid its pixels
    assert Image.open(path).size == (64, 64)
    assert read_rgb(path) is None


@pytest.mark.parametrize("side", [9_000, 14_000])
def test_a_small_file_of_many_pixels_takes_no_memory(tmp_path, side, recwarn):
    Image.new("1", (side, side)).save(tmp_path / "bomb.png")
    assert read_rgb(tmp_path / "bomb.png") is None
    assert not recwarn.list


@pytest.mark.skipif(not features.check("avif"), reason="Pillow without AVIF")
def test_a_damaged_avif_is_none(tmp_path):
    path, first = tmp_path / "a.avif", b"pitm\0\0\0\0\0\1"
    Image.fromarray(RED).save(path)
    path.write_bytes(path.read_bytes().replace(first, first[:-1] + b"\2"))  # no such item
    assert read_rgb(path) is None


@pytest.mark.parametrize("data", [b"", b"no", b"\x89PNG damaged"])
def test_what_is_no_picture_is_none(tmp_path, data):
    (tmp_path / "a.png").write_bytes(data)
    assert read_rgb(tmp_path / "a.png") is None
    assert read_rgb(tmp_path / "missing.png") is None
    assert read_rgb(tmp_path) is None
