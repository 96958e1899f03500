"""Recorded pictures keep their bytes, and lie under their masks."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from PIL.ExifTags import Base

from tests.training import bag_samples as make
from training.annotations.pictures import read_picture
from training.bags.pictures import COMPRESSED, colour, picture_file


def jpeg(orientation: int) -> bytes:
    """A JPEG that is to be turned; of orientation 0 without EXIF."""
    file, exif = io.BytesIO(), Image.Exif()
    exif[Base.Orientation] = orientation
    options = {"exif": exif} if orientation else {}
    Image.fromarray(make.picture(1)).save(file, "JPEG", **options)
    return file.getvalue()


def written(data: bytes) -> bytes:
    """The file of a recorded JPEG."""
    end, file = picture_file(message(data), COMPRESSED, make.picture(1))
    assert end == ".jpg"
    return file


def message(data: bytes):
    return make.TYPES[COMPRESSED](make.header(0), "jpeg", np.frombuffer(data, np.uint8))


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_a_jpeg_is_not_turned_away_from_its_masks(tmp_path, orientation):
    file, path = written(jpeg(orientation)), tmp_path / "a.jpg"
    assert file == jpeg(0)  # nothing was coded anew
    path.write_bytes(file)
    seen = colour(message(jpeg(orientation)), COMPRESSED)  # by the node
    assert np.array_equal(read_picture(path, make.WIDTH, make.HEIGHT), seen)


def test_all_of_the_metadata_goes_however_it_is_packed():
    plain = jpeg(0)
    packed = plain[:2] + b"\xff\xff\xff\xe1\0\x06\xff\xda\xff\xd9" + plain[2:]
    assert written(packed) == plain


def test_a_jpeg_without_metadata_stays_as_it_is_wherever_it_ends():
    plain = jpeg(0)
    for end in range(2, len(plain) + 1):
        assert written(plain[:end]) == plain[:end]
