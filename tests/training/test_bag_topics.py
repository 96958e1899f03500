"""The camera's topics are found by type and content; cameras aren't mixed."""

from __future__ import annotations

import numpy as np
import pytest

from tests.training import bag_samples as make
from tests.training.topic_choice import chosen, stamps
from training.bags.storage import BagError


def renamed(events, **names: str):
    """The small camera under other names, topic by its kind."""
    table = {getattr(make, kind.upper()): name for kind, name in names.items()}
    return [(table.get(topic, topic), time, message) for topic, time, message in events]


def test_the_plain_camera(tmp_path):
    camera = chosen(make.write(tmp_path / "bag", make.camera(3)))
    assert camera.colour.name == make.COLOUR
    assert camera.depth is not None
    assert camera.depth.name == make.DEPTH
    assert camera.info is not None
    assert camera.info.topic.name == make.INFO
    assert camera.answers is None
    assert camera.notes == ()
    without = chosen(tmp_path / "bag", depth="none")
    assert without.depth is None


def test_two_cameras_with_one_frame_id_are_not_mixed(tmp_path):
    # The right camera has no depth of its own, and its stamps are the left one's.
    left = make.camera(5)
    right = [
        ("/robot/right/color/image_raw", t, make.image(t, make.picture(50 + i)))
        for i, t in enumerate(stamps(9))
    ]
    right += [("/robot/right/color/camera_info", stamps()[0], make.camera_info(stamps()[0], 77))]
    names = {
        "colour": "/robot/left/color/image_raw",
        "depth": "/robot/left/depth/image_raw",
        "info": "/robot/left/color/camera_info",
    }
    bag = make.write(tmp_path / "bag", [*renamed(left, **names), *right])
    camera = chosen(bag)
    assert camera.colour.name == "/robot/right/color/image_raw"  # it has more pictures
    assert camera.depth is None
    assert camera.info is not None
    assert camera.info.topic.name == "/robot/right/color/camera_info"
    assert any("--image (/robot/left/color/image_raw)" in note for note in camera.notes)
    assert any("--depth (/robot/left/depth/image_raw)" in note for note in camera.notes)
    camera = chosen(bag, image="robot/left/color/image_raw")
    assert camera.depth is not None
    assert camera.depth.name == names["depth"]
    assert camera.info is not None
    assert camera.info.topic.name == names["info"]
    named = chosen(bag, depth=names["depth"])
    assert named.depth is not None


def test_what_programs_draw_is_no_camera(tmp_path):
    events = make.camera(2)
    for name in ("/sam3i/overlay", "/sam3i/input", "/truth/color", "/seg/masks"):
        events += [(name, t, make.image(t, make.picture(1))) for t in stamps(40)]
    events += [("/sam3i/masks", t, make.depth(t, 1)) for t in stamps(40)]
    events += [(make.SEGMENTS, stamps()[0], make.answer(stamps()[0], [], []))]
    camera = chosen(make.write(tmp_path / "bag", events))
    assert camera.colour.name == make.COLOUR
    assert camera.depth is not None
    assert camera.depth.name == make.DEPTH
    assert camera.answers is not None


def test_the_camera_that_was_answered_comes_first(tmp_path):
    events = make.camera(5)
    events += [("/usb_cam/image_raw", t + 1, make.image(t + 1, make.picture(1))) for t in stamps(3)]
    events += [(make.SEGMENTS, stamps()[0], make.answer(stamps()[1] + 1, [], []))]
    assert chosen(make.write(tmp_path / "bag", events)).colour.name == "/usb_cam/image_raw"


def test_colour_before_grey_and_raw_before_compressed(tmp_path):
    events = [(make.COLOUR, t, make.image(t, make.picture(1))) for t in stamps(4)]
    events += [(f"{make.COLOUR}/compressed", t, make.jpeg(t, make.picture(1))) for t in stamps(4)]
    events += [("/camera/infra1/image", t, make.image(t, make.picture(2))) for t in stamps(9)]
    camera = chosen(make.write(tmp_path / "bag", events))
    assert camera.colour.name == make.COLOUR
    named = chosen(tmp_path / "bag", image=f"{make.COLOUR}/compressed")
    assert (named.colour.width, named.colour.height) == (make.WIDTH, make.HEIGHT)


@pytest.mark.parametrize(
    ("depths", "told"),
    [
        ([(0, (24, 32))], "is 32x24, the image is 64x48"),
        ([(make.SECOND, (make.HEIGHT, make.WIDTH))], "within 0.05 s"),
    ],
)
def test_depth_that_doesnt_fit_is_left_out(tmp_path, depths, told):
    events = [(make.COLOUR, t, make.image(t, make.picture(1))) for t in stamps(4)]
    for shift, size in depths:
        events += [("/d/depth", t, make.depth(t + shift, 900, size)) for t in stamps(4)]
    events += [(make.INFO, stamps()[0], make.camera_info(stamps()[0], size=(24, 32)))]
    camera = chosen(make.write(tmp_path / "bag", events))
    assert camera.depth is None
    assert camera.info is None
    assert any(told in note for note in camera.notes)
    assert any("no camera_info fits" in note for note in camera.notes)


def test_another_frame_is_told(tmp_path):
    events = [(make.COLOUR, t, make.image(t, make.picture(1), "eye")) for t in stamps(4)]
    events += [("/d/depth", t, make.depth(t, 900)) for t in stamps(4)]
    camera = chosen(make.write(tmp_path / "bag", events))
    assert camera.depth is not None
    assert any("'eye' but depth in 'camera'" in note for note in camera.notes)


def test_what_cant_be_had_is_told(tmp_path):
    bag = make.write(tmp_path / "bag", make.camera(2))
    for wishes in ({"image": "/x"}, {"depth": "/x"}, {"info": "/x"}, {"answers": "/x"}):
        with pytest.raises(BagError, match=r"no .* topic '/x'"):
            chosen(bag, **wishes)
    with pytest.raises(BagError, match="holds no depth"):
        chosen(bag, depth=make.COLOUR)
    with pytest.raises(BagError, match="holds depth, no colour"):
        chosen(bag, image=make.DEPTH)
    blind = make.write(tmp_path / "blind", [e for e in make.camera(2) if e[0] == make.DEPTH])
    with pytest.raises(BagError, match="no colour camera"):
        chosen(blind)


def test_images_of_absurd_size_are_left_out(tmp_path):
    lie = make.image(stamps()[0], make.picture(0))
    lie.height = lie.width = 2**31
    unread = make.TYPES[make.COMPRESSED](make.header(stamps()[0]), "jpeg", np.zeros(9, np.uint8))
    events = [*make.camera(2), ("/a/color", stamps()[0], lie), ("/b/color", stamps()[0], unread)]
    camera = chosen(make.write(tmp_path / "bag", events))
    assert camera.colour.name == make.COLOUR
    assert any("/a/color is left out" in note for note in camera.notes)
    assert any("/b/color is left out" in note for note in camera.notes)


def test_why_no_image_can_be_read_is_told(tmp_path):
    coded = make.TYPES[make.COMPRESSED](make.header(stamps()[0]), "h264", np.zeros(9, np.uint8))
    wide = make.image(stamps()[0], make.picture(0))
    wide.encoding = "8UC3"
    events = [("/a/image", stamps()[0], wide), ("/b/compressed", stamps()[0], coded)]
    bag = make.write(tmp_path / "bag", events)
    with pytest.raises(BagError, match="no image topic at all") as error:
        chosen(bag)
    assert "/a/image is left out: colour encoding '8UC3' is not known" in str(error.value)
    assert "/b/compressed is left out: compressed data is neither JPEG nor PNG" in str(error.value)
    assert "\n" not in str(error.value)
    with pytest.raises(BagError, match=r"no image topic '/a/image'.*'8UC3'"):
        chosen(bag, image="/a/image")


def test_mono16_is_depth_only_if_it_is_said_to_be(tmp_path):
    def recorded(name: str):
        events = [(make.COLOUR, t, make.image(t, make.picture(1))) for t in stamps()]
        for t in stamps():
            message = make.depth(t, 3000)
            message.encoding = "mono16"
            events.append((f"/camera/{name}/image_raw", t, message))
        return make.write(tmp_path / name, events)

    camera = chosen(recorded("thermal"))
    assert camera.depth is None
    assert any("/camera/thermal/image_raw is left out" in note for note in camera.notes)
    assert chosen(tmp_path / "thermal", depth="camera/thermal/image_raw").depth is not None
    assert chosen(recorded("Depth")).depth is not None


@pytest.mark.parametrize("cropped", [False, True])
def test_binned_and_cropped_cameras_have_intrinsics(tmp_path, cropped):
    info = make.camera_info(stamps()[0])
    info.height, info.width = 2 * make.HEIGHT, 2 * make.WIDTH
    if cropped:
        info.roi.y_offset, info.roi.x_offset = 8, 9
        info.roi.height, info.roi.width = make.HEIGHT, make.WIDTH
    else:
        info.binning_x = info.binning_y = 2
    events = [e for e in make.camera(2) if e[0] != make.INFO]
    camera = chosen(make.write(tmp_path / "bag", [*events, (make.INFO, stamps()[0], info)]))
    assert camera.info is not None


def test_a_camera_that_was_calibrated_later_has_intrinsics(tmp_path):
    events = [e for e in make.camera(3) if e[0] != make.INFO]
    events += [
        (make.INFO, t, make.camera_info(t, focal))
        for t, focal in zip(stamps(3), (0, 50, 50), strict=True)
    ]
    camera = chosen(make.write(tmp_path / "bag", events))
    assert camera.info is not None
    assert camera.notes == ()


def test_why_there_are_no_intrinsics_is_told(tmp_path):
    events = [e for e in make.camera(2) if e[0] != make.INFO]
    events += [(make.INFO, stamps()[0], make.camera_info(stamps()[0], focal=0.0))]
    camera = chosen(make.write(tmp_path / "bag", events))
    assert camera.info is None
    assert any("the camera is not calibrated" in note for note in camera.notes)
