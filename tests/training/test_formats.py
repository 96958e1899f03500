"""Every layout's sample, told by its content; what is damaged is skipped with a line."""

from __future__ import annotations

import copy
import json
import pickle
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sam3i_model.instruction import Level
from training.annotations.entries import class_name
from training.annotations.images import Annotations, Problems, image_path
from training.engine.tasks import task_picture, tasks_of
from training.formats import SourceError, read_annotations
from training.formats.reading import layout

DATA = Path(__file__).parent / "data"
SOURCES = {
    "coco.json": "coco",
    "refcoco": "refcoco",
    "grefcoco": "grefcoco",
    "ref-zom": "ref-zom",
    "reasonseg": "reasonseg",
    "mmr.json": "mmr",
    "hmpl-instruct.json": "sam3i",
}


def said(source: str) -> list[tuple[str, str, tuple[int, ...]]]:
    return [
        (image.file_name, r.text, r.targets)
        for image in read_annotations(DATA / source).images
        for r in image.references
    ]


@pytest.mark.parametrize("source", SOURCES)
def test_layouts_are_told_from_content_and_masks_can_be_drawn(source, tmp_path):
    name = shutil.copytree if (DATA / source).is_dir() else shutil.copy
    moved = tmp_path / ("anything" if (DATA / source).is_dir() else "anything.json")
    name(DATA / source, moved)
    found = read_annotations(moved)
    assert found.layout == SOURCES[source]
    assert found.problems.count == 0
    assert found.images
    for image in found.images:
        assert (image.width, image.height) == (96, 72)
        known = {a.id for a in image.annotations}
        assert all(set(r.targets) <= known for r in image.references)
        assert all(a.mask(72, 96).any() for a in image.annotations)


def test_coco_with_parts_and_crowds():
    table, shelf = read_annotations(DATA / "coco.json").images
    by_id = {a.id: a for a in (*table.annotations, *shelf.annotations)}
    assert by_id[15].name == "handle of the mug"
    assert (by_id[15].part_of, by_id[15].is_part) == (11, True)
    assert (by_id[11].part_of, by_id[11].is_part) == (None, False)
    assert by_id[14].name == "cardboard box"
    assert by_id[22].crowd
    assert by_id[13].mask(72, 96).sum() == 18 * 18
    assert table.granularity((11, 12, 13)) == "1toAll"
    assert table.granularity((11, 12)) == "1toN"
    assert table.granularity((14,)) == "1to1"


def test_referring_texts():
    assert said("refcoco") == [
        ("table.png", "the red mug", (11,)),
        ("table.png", "left mug", (11,)),
        ("table.png", "green box", (14,)),
        ("shelf.png", "blue mug", (21,)),
    ]
    assert ("table.png", "both blue mugs", (12, 13)) in said("grefcoco")
    assert ("table.png", "the banana", ()) in said("grefcoco")
    assert ("table.png", "two mugs on the left", (11, 12)) in said("ref-zom")
    assert ("shelf.png", "a dog on the table", ()) in said("ref-zom")


def test_lvis_has_addresses_in_place_of_file_names(tmp_path):
    content = json.loads((DATA / "coco.json").read_text())
    for image, end in zip(content["images"], ("val2017/000000397133.jpg", "../x.jpg"), strict=True):
        del image["file_name"]
        image["coco_url"] = f"http://images.cocodataset.org/{end}"
    (tmp_path / "lvis.json").write_text(json.dumps(content))
    found = read_annotations(tmp_path / "lvis.json")
    assert [i.file_name for i in found.images] == ["val2017/000000397133.jpg"]
    assert found.problems.lines[0].startswith("image 1: 'coco_url' leads out")


@pytest.mark.parametrize("source", ["refcoco", "grefcoco", "ref-zom"])
def test_splits_are_not_read_together(source, tmp_path):
    folder = tmp_path / source
    shutil.copytree(DATA / source, folder)
    (path,) = folder.glob("*refs*.json")
    refs = json.loads(path.read_text())
    refs[0]["split"] = "testA"
    path.write_text(json.dumps(refs))
    with pytest.raises(SourceError, match=r"several splits \(testA, train\).*--split train$"):
        read_annotations(folder)
    for split, part in (("testA", refs[:1]), ("train", refs[1:])):
        images = read_annotations(folder, split=split).images
        found = sorted(r.text for image in images for r in image.references)
        assert found == sorted(s["sent"] for r in part for s in r["sentences"])
    with pytest.raises(SourceError, match="no split val: name one of testA, train"):
        read_annotations(folder, split="val")
    for ref in refs:
        del ref["split"]
    path.write_text(json.dumps(refs))
    assert read_annotations(folder).images
    for without in (folder, DATA / "coco.json", DATA / "reasonseg"):
        with pytest.raises(SourceError, match="no splits: leave --split out"):
            read_annotations(without, split="train")


def test_reasonseg_cuts_out_what_is_ignored_and_reads_old_encodings():
    kitchen, office = read_annotations(DATA / "reasonseg").images
    mask = kitchen.annotations[0].mask(72, 96)
    assert mask.sum() == 400 - 100
    assert not mask[35:45, 15:25].any()
    assert office.references[0].text == "what one\N{RIGHT SINGLE QUOTATION MARK}s coffee goes into"
    assert {r.level for r in kitchen.references} == {Level.COMPLEX}


def drawn(folder: Path, *shapes: tuple[str, list[list[int]]], name: str = "a") -> Path:
    """A file of ReasonSeg about a picture of 96x72."""
    folder.mkdir(exist_ok=True)
    listed = [{"label": label, "points": points} for label, points in shapes]
    (folder / f"{name}.json").write_text(json.dumps({"text": "what holds tea", "shapes": listed}))
    shutil.copy(DATA / "reasonseg/kitchen.png", folder / f"{name}.png")
    return folder


def test_reasonseg_outlines_lie_on_the_upright_picture(tmp_path):
    folder = drawn(tmp_path, ("target", [[10, 80], [30, 80], [30, 90], [10, 90]]))
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(folder / "a.png") as picture:
        picture.convert("RGB").save(folder / "a.jpg", exif=exif)
    (folder / "a.png").unlink()
    (image,) = read_annotations(folder).images
    assert (image.width, image.height) == (72, 96)
    assert image.annotations[0].mask(96, 72).sum() == 20 * 10
    assert task_picture(folder / "a.jpg", 96, 72).shape == (96, 72, 3)


def test_reasonseg_targets_without_a_pixel_are_no_negatives(tmp_path):
    drawn(tmp_path, ("target", [[200, 80], [230, 80], [230, 90]]))
    drawn(tmp_path, ("ignore", [[1, 1], [9, 1], [9, 9]]), name="b")
    found = read_annotations(tmp_path)
    assert found.problems.lines == ["a.json: its targets have no pixel in a.png, 96x72"]
    assert [r.targets for image in found.images for r in image.references] == [()]


def test_reasonseg_bears_a_damaged_first_file_lines_and_capitals(tmp_path):
    square = [[10, 30], [30, 30], [30, 50], [10, 50]]
    drawn(tmp_path, ("target", square), ("target", [[1, 1], [5, 5]]), name="b")
    (tmp_path / "b.png").rename(tmp_path / "b.PNG")
    for broken in ("{", "{}"):
        (tmp_path / "a.json").write_text(broken)
        found = read_annotations(tmp_path)
        assert [image.file_name for image in found.images] == ["b.PNG"]
        assert found.images[0].annotations[0].mask(72, 96).sum() == 400
        assert [line.split(":")[0] for line in found.problems.lines] == ["a.json"]
    (tmp_path / "a.json").unlink()
    drawn(tmp_path, ("target", [[1, 1], [5, 5]]), name="b")
    with pytest.raises(SourceError, match="its targets have no pixel"):
        read_annotations(tmp_path)


def test_mmr_answers_are_annotations():
    (table,) = read_annotations(DATA / "mmr.json").images
    assert [(a.name, a.is_part) for a in table.annotations] == [
        ("mug", False),
        ("handle of the mug", True),
        ("box", False),
    ]
    assert [r.targets for r in table.references] == [(2,), (1, 3)]


def test_samples_of_one_picture_come_together():
    (table,) = read_annotations(DATA / "hmpl-instruct.json").images
    assert len(table.annotations) == 3  # a mask that two samples share is one
    assert ("both blue mugs", (2, 3)) in [(r.text, r.targets) for r in table.references]


def again(content):
    """Everything that is said, once more under other ids, its targets in another order."""
    if isinstance(content, dict):
        for key in ("images", "annotations"):
            field = "id" if key == "images" else "image_id"
            content[key] += [{**e, field: e[field] + 900} for e in reversed(content[key])]
    elif "questions" in content[0]:
        for entry in content:
            entry["questions"] *= 2
            entry["answers"] *= 2
    else:
        turned = [r["ann_id"][::-1] if isinstance(r["ann_id"], list) else None for r in content]
        content += [{**r, "ann_id": t or r["ann_id"]} for r, t in zip(content, turned, strict=True)]
    return content


@pytest.mark.parametrize(
    "source",
    ["grefcoco/grefs(unc).json", "refcoco/refs(unc).json", "mmr.json", "hmpl-instruct.json"],
)
def test_what_is_said_twice_is_one_text(tmp_path, source):
    path = tmp_path / Path(source).name
    content = json.loads((DATA / source).read_text())
    if (instances := (DATA / source).with_name("instances.json")).exists():
        shutil.copy(instances, tmp_path)
    path.write_text(json.dumps(again(content)))
    once, twice = (read_annotations(p).images for p in (DATA / source, path))
    assert [set(i.references) for i in twice] == [set(i.references) for i in once]
    assert [len(i.references) for i in twice] == [len(i.references) for i in once]


def test_samples_of_one_picture_agree_on_its_size(tmp_path):
    content = json.loads((DATA / "hmpl-instruct.json").read_text())
    entry = {**content["images"][0], "id": 999, "width": 95}
    content["images"].append(entry)
    path = tmp_path / "a.json"
    path.write_text(json.dumps(content))
    found = read_annotations(path)
    assert found.problems.lines == [
        f"image 999: {entry['file_name']} is 95x72 here and 96x72 before"
    ]
    assert found.images == read_annotations(DATA / "hmpl-instruct.json").images


def test_pickles_are_refused_with_the_way_out(tmp_path):
    path = tmp_path / "refs(unc).p"
    for protocol in (0, 2, 4):
        path.write_bytes(pickle.dumps([{"ref_id": 1}], protocol))
        for source in (path, tmp_path):
            with pytest.raises(SourceError, match="pickle") as error:
                read_annotations(source)
            assert "python3 -c" in str(error.value)
            assert "\n" not in str(error.value)


def test_a_folder_as_refcoco_comes_says_how_to_get_at_its_texts(tmp_path):
    shutil.copytree(DATA / "refcoco", tmp_path / "r")
    (texts,) = [path for path in (tmp_path / "r").glob("*.json") if path.stem != "instances"]
    for name in ("refs(google).p", "refs(unc).p"):
        (tmp_path / "r" / name).write_bytes(pickle.dumps(json.loads(texts.read_text()), 2))
    whole = read_annotations(tmp_path / "r").images
    assert [r.text for r in whole[0].references] == ["the red mug", "left mug", "green box"]
    texts.unlink()
    with pytest.raises(SourceError, match=r"refs\(google\)\.p: it is a pickle.*name .*instances"):
        read_annotations(tmp_path / "r")
    assert len(read_annotations(tmp_path / "r/instances.json").images) == 2


def test_a_file_in_no_layout_is_named(tmp_path):
    shutil.copy(DATA / "coco.json", tmp_path / "instances_val2017.json")
    (tmp_path / "captions_val2017.json").write_text('{"images": [], "annotations": []}')
    with pytest.raises(SourceError, match=r"captions_val2017\.json: the file is in no layout"):
        read_annotations(tmp_path)


def test_of_a_folder_the_data_set_among_other_files_can_be_had(tmp_path):
    shutil.copy(DATA / "hmpl-instruct.json", tmp_path / "data.json")
    (tmp_path / "statistics.json").write_text("{}")
    with pytest.raises(SourceError) as told:
        read_annotations(tmp_path)
    assert str(told.value).startswith(f"{tmp_path / 'statistics.json'}: the file is in no layout")
    assert str(told.value).endswith(
        f". Or name the file that is meant, such as {tmp_path / 'data.json'}"
    )
    (tmp_path / "data.json").rename(tmp_path / "annotations.json")  # as `annotate` leaves it
    assert read_annotations(tmp_path).layout == "sam3i"


def test_an_empty_sentence_costs_no_other(tmp_path):
    shutil.copytree(DATA / "refcoco", tmp_path / "r")
    (path,) = [path for path in (tmp_path / "r").glob("*.json") if path.stem != "instances"]
    content = json.loads(path.read_text())
    content[0]["sentences"].insert(0, {"sent": " "})
    path.write_text(json.dumps(content))
    found = read_annotations(path)
    assert found.images[0].references[0].text == "the red mug"
    assert found.problems.lines == ["ref 0: 'sent' is empty"]


def test_sources_that_cannot_be_used_say_why(tmp_path):
    path = tmp_path / "x.json"
    for content, why in (
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("{}", "no layout known"),
        ("[]", "no layout known"),
        ('[{"image_id": 1, "ann_id": 1, "sentences": []}]', "instances.json"),
        ('{"images": [], "annotations": [], "categories": []}', "no picture that can be used: see"),
        ('{"images": [{}], "annotations": [], "categories": []}', "image 0: 'file_name' is not"),
    ):
        path.write_text(content)
        with pytest.raises(SourceError, match=why):
            read_annotations(path)
    with pytest.raises(SourceError, match="can't be read"):
        read_annotations(tmp_path / "missing.json")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(SourceError, match=r"no \.json"):
        read_annotations(empty)
    shutil.copy(DATA / "mmr.json", empty / "a.json")
    shutil.copy(DATA / "coco.json", empty / "b.json")
    with pytest.raises(SourceError, match=r"several.*a\.json, b\.json"):
        read_annotations(empty)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"segmentation": []}, "no segmentation"),
        ({"segmentation": [[1, 2, 3, 4]]}, "three corners"),
        ({"segmentation": [[1, 2, 3, 4, 5, "6"]]}, "no number"),
        ({"segmentation": [[1, 2, 3, 4, 5, float("nan")]]}, "no number"),
        ({"segmentation": [[0, 0, 1e8, 0, 0, 1e8]]}, "leaves the picture"),
        ({"segmentation": [[1, 2, 3, 4, 5, 6]] * 2001}, "at most 2,000"),
        ({"segmentation": {"size": [72, 96], "counts": "`"}}, "end early"),
        ({"segmentation": {"size": [72, 96], "counts": [1, -1]}}, "no whole number"),
        ({"segmentation": {"size": [72, 96], "counts": [1, 1]}}, "don't fill"),
        ({"segmentation": {"size": [9**9, 9**9], "counts": [1]}}, "not of the picture's size"),
        ({"category_id": 99}, "no category 99"),
        ({"iscrowd": "0"}, "'iscrowd' is neither 0 nor 1"),
        ({"image_id": 99}, "no image 99"),
        ({"id": None}, "'id'"),
        ({"id": float("inf")}, "'id'"),
    ],
)
def test_a_bad_annotation_is_skipped_with_one_line(change, why, tmp_path):
    content = json.loads((DATA / "coco.json").read_text())
    content["annotations"][0].update(change)
    (tmp_path / "c.json").write_text(json.dumps(content))
    found = read_annotations(tmp_path / "c.json")
    assert found.problems.count == 1
    (line,) = found.problems.lines
    assert line.startswith("annotation 0: ")
    assert why in line
    assert sum(len(i.annotations) for i in found.images) == len(content["annotations"]) - 1


def changed_coco(folder: Path, change: Callable[[dict[str, Any]], object]) -> Annotations:
    content = json.loads((DATA / "coco.json").read_text())
    change(content)
    (folder / "c.json").write_text(json.dumps(content))
    return read_annotations(folder / "c.json")


def test_an_id_that_two_pictures_have_is_no_pictures(tmp_path):
    again = {"id": 1, "file_name": "other.png", "width": 96, "height": 72}
    found = changed_coco(tmp_path, lambda c: c["images"].append(again))
    assert [i.file_name for i in found.images] == ["shelf.png"]
    assert found.problems.lines[0].startswith("image 2: there is another image 1, and neither")
    same = changed_coco(tmp_path, lambda c: c["images"].append(c["images"][0]))
    assert (len(same.images), same.problems.count) == (2, 0)


def test_an_id_that_two_classes_have_is_no_classes(tmp_path):
    found = changed_coco(tmp_path, lambda c: c["categories"].append({"id": 1, "name": "cup"}))
    assert {a.name for i in found.images for a in i.annotations} == {
        "cardboard box",
        "handle of the mug",
    }
    assert found.problems.lines[0].startswith("category 3: there is another category 1")


def test_an_id_that_two_masks_of_a_picture_have_is_told(tmp_path):
    found = changed_coco(tmp_path, lambda c: c["annotations"][1].update(id=11))
    assert [a.id for a in found.images[0].annotations] == [11, 13, 14, 15]
    assert found.problems.lines == [
        "annotation 1: its image has another annotation 11: give each a number of its own"
    ]
    apart = changed_coco(tmp_path, lambda c: c["annotations"][5].update(id=11))
    assert apart.problems.count == 0  # they are of another picture
    same = changed_coco(tmp_path, lambda c: c["annotations"].append(c["annotations"][0]))
    assert (same.problems.count, same.images[0].lacking) == (0, frozenset())


@pytest.mark.parametrize(
    "change",
    [
        {"segmentation": []},
        {"iscrowd": 1},
        {"id": 12},
        {"category_id": None, "segmentation": []},
    ],
)
def test_a_class_that_lacks_a_mask_is_not_all_there(tmp_path, change):
    """Three mugs, then two and something."""
    table, _ = changed_coco(tmp_path, lambda c: c["annotations"][0].update(change)).images
    mugs = tuple(a.id for a in table.annotations if a.name == "mug" and not a.crowd)
    assert len(mugs) == 2
    assert table.granularity(mugs) == "1toN"
    assert mugs not in [task.targets for task in tasks_of(table)]
    whole, _ = read_annotations(DATA / "coco.json").images
    assert (11, 12, 13) in [task.targets for task in tasks_of(whole)]


def test_a_line_beside_good_outlines_costs_nothing(tmp_path):
    before = read_annotations(DATA / "coco.json").images
    found = changed_coco(
        tmp_path, lambda c: c["annotations"][0]["segmentation"].insert(0, [1, 2, 3, 4])
    )
    assert (found.images, found.problems.count) == (before, 0)


@pytest.mark.parametrize(
    "name",
    [
        *("../x.png", "/etc/x.png", "C:\\x.png", "c:/x.png", "\\\\server\\x.png", "a\\..\\..\\b"),
        *("a/../../b", ".", "", "a\0.png", f"a/{'x' * 256}", "\N{EURO SIGN}" * 86),
    ],
)
def test_pictures_stay_in_their_folder(name, tmp_path):
    content = json.loads((DATA / "coco.json").read_text())
    content["images"][0]["file_name"] = name
    (tmp_path / "c.json").write_text(json.dumps(content))
    found = read_annotations(tmp_path / "c.json")
    assert [i.file_name for i in found.images] == ["shelf.png"]
    assert found.problems.lines[0].startswith("image 0: 'file_name'")


@pytest.mark.parametrize(
    "name",
    [
        "my  photo .jpg",
        "Screenshot 2024-05-04 at 12.30.05\N{NARROW NO-BREAK SPACE}PM.png",
        "2024-05-04T12:30:05.png",
        "c:x.png",
        "x" * 255,
    ],
)
def test_names_stay_as_they_are(name, tmp_path):
    (tmp_path / name).touch()
    found = changed_coco(tmp_path, lambda c: c["images"][0].update(file_name=name))
    assert found.images[0].file_name == name
    assert image_path(tmp_path, found.images[0].file_name) == tmp_path / name


def test_names_written_on_windows_lead_into_folders(tmp_path):
    found = changed_coco(tmp_path, lambda c: c["images"][0].update(file_name="a\\b.png"))
    assert found.images[0].file_name == "a/b.png"


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@pytest.mark.parametrize("source", [s for s in SOURCES if s != "reasonseg"])
@given(data=st.data())
def test_no_damage_raises_more_than_a_line(source, data, tmp_path_factory):
    """Some value anywhere in a file becomes something else."""
    path = DATA / source
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    contents = {f: json.loads(f.read_text()) for f in files}
    victim = data.draw(st.sampled_from(files))
    spot = contents[victim]
    key = data.draw(st.sampled_from(list(spot) if isinstance(spot, dict) else range(len(spot))))
    while isinstance(spot[key], dict | list) and spot[key] and data.draw(st.booleans()):
        spot = spot[key]
        key = data.draw(st.sampled_from(list(spot) if isinstance(spot, dict) else range(len(spot))))
    spot[key] = data.draw(JUNK)
    folder = tmp_path_factory.mktemp("damaged")
    for file, content in contents.items():
        (folder / file.name).write_text(json.dumps(content))
    with suppress(SourceError):
        for image in read_annotations(folder).images:
            for annotation in image.annotations:
                annotation.mask(image.height, image.width)


def test_damaged_reasonseg_files_are_skipped_one_by_one(tmp_path):
    shutil.copytree(DATA / "reasonseg", tmp_path / "r")
    good = json.loads((DATA / "reasonseg/kitchen.json").read_text())
    for name, change in {
        "b.json": {"text": 3},
        "c.json": {"shapes": [{"label": "target", "points": [[1, 2], [3]]}]},
        "d.json": {"shapes": 1},
    }.items():
        (tmp_path / "r" / name).write_text(json.dumps({**copy.deepcopy(good), **change}))
        shutil.copy(DATA / "reasonseg/kitchen.png", tmp_path / "r" / f"{name[0]}.png")
    (tmp_path / "r/e.json").write_text("{")
    (tmp_path / "r/f.json").write_text(json.dumps(good))
    (tmp_path / "r/office.png").write_bytes(b"no picture")
    found = read_annotations(tmp_path / "r", tmp_path / "r")
    assert [i.file_name for i in found.images] == ["kitchen.png"]
    assert found.problems.count == 6


def test_problems_are_bounded():
    problems = Problems()
    for index in range(1000):
        problems.add(f"entry {index}", "x\n" * 1000)
    assert problems.count == 1000
    assert len(problems.lines) == 200
    assert all(len(line) <= 300 and "\n" not in line for line in problems.lines)


def test_class_names_in_plain_words():
    assert class_name("mouse_(computer_equipment):left_button") == (
        "left button of the mouse",
        True,
    )
    assert class_name("trash_can") == ("trash can", False)
    assert class_name("a:") == ("a:", False)


def test_layout_needs_no_file():
    assert layout({"shapes": [], "text": "x"}) == "reasonseg"
