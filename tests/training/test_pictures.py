"""Pictures lie as their masks do, whatever way the camera was held."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from sam3i_model.pictures import read_rgb
from training.annotations.entries import SourceError
from training.annotations.pictures import as_stored, check_picture, read_picture, upright_size

STORED = np.zeros((16, 32, 3), np.uint8)
STORED[:8, :8] = 250  # its upper left corner
ORIENTATION = 0x0112


def held(path: Path, orientation: int, pixels: np.ndarray = STORED) -> Path:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    Image.fromarray(pixels).save(path, exif=exif, quality=100)
    return path


@pytest.mark.parametrize("orientation", range(1, 9))
def test_masks_of_the_upright_size_get_the_upright_picture(tmp_path, orientation):
    path = held(tmp_path / "a.jpg", orientation)
    upright = read_rgb(path)  # what `segment` answers about
    height, width = upright.shape[:2]
    assert upright_size(path) == (width, height)
    check_picture(path, width, height)
    found = read_picture(path, width, height)
    assert np.abs(found.astype(int) - upright).max() < 10
    assert as_stored(path, width, height) is None  # a browser turns it by itself


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_masks_of_the_stored_size_get_the_stored_picture(tmp_path, orientation):
    path = held(tmp_path / "a.jpg", orientation)
    check_picture(path, 32, 16)
    found = read_picture(path, 32, 16)
    assert np.abs(found.astype(int) - STORED).max() < 10
    with Image.open(io.BytesIO(as_stored(path, 32, 16))) as shown:
        assert ORIENTATION not in shown.getexif()
        assert np.array_equal(shown, found)


def test_another_size_is_told_with_the_way_out(tmp_path):
    path = held(tmp_path / "a.jpg", 6)
    for read in (check_picture, read_picture):
        with pytest.raises(SourceError, match=r"is 16x32, not 32x32: give the picture that was"):
            read(path, 32, 32)


def test_a_damaged_head_turns_nothing(tmp_path):
    path = tmp_path / "a.jpg"
    Image.fromarray(STORED).save(path, exif=b"Exif\0\0not TIFF", quality=100)
    assert read_picture(path, 32, 16)[:8, :8].min() > 240


@pytest.mark.parametrize("bits", [10, 12, 16])
@pytest.mark.parametrize("name", ["a.png", "a.tiff"])
def test_deep_pictures_are_as_bright_as_where_they_are_segmented(tmp_path, name, bits):
    for shape in ((4, 6), (4, 6, 3)):
        deep = np.full(shape, 100 << (bits - 8), np.uint16)
        deep[0, 0] = (1 << bits) - 1
        cv2.imwrite(str(tmp_path / name), deep)
        check_picture(tmp_path / name, 6, 4)
        assert read_picture(tmp_path / name, 6, 4)[1:].tolist() == [[[100] * 3] * 6] * 3


@pytest.mark.parametrize("name", ["a.tiff", "a.ico"])
def test_what_is_not_segmented_is_refused_at_the_start(tmp_path, name):
    kind = ("F", 0.5) if name == "a.tiff" else ("RGB", (9, 9, 9))
    Image.new(kind[0], (32, 32), kind[1]).save(tmp_path / name)
    for read in (check_picture, read_picture):
        with pytest.raises(SourceError, match="is no picture that can be read"):
            read(tmp_path / name, 32, 32)
