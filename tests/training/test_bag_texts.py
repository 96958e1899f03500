"""The words of a data set are those that the node's model read; older recordings have none."""

from __future__ import annotations

import pytest
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from sam3i_model.definitions import package_file
from tests.training import bag_samples as make
from tests.training.prepare_runs import ALL, prepare, read

SAID = "please show me the red mug"


def older(*without: tuple[str, str]):
    """Our messages as they were before some fields."""
    store = get_typestore(Stores.ROS2_KILTED)
    for path in sorted(package_file("msg").glob("*.msg")):
        lines = path.read_text(encoding="utf-8").splitlines()
        gone = [field for name, field in without if name == path.stem]
        kept = [x for x in lines if not any(x.startswith(field) for field in gone)]
        assert len(kept) == len(lines) - len(gone)
        store.register(get_types_from_msg("\n".join(kept), f"sam3i_ros/msg/{path.stem}"))
    return store


PROMPT = ("InstructionResult", "string prompt")
SIZE = (("SegmentArray", "uint32 height"), ("SegmentArray", "uint32 width"))


@pytest.mark.parametrize(
    ("definitions", "text"),
    [
        (make.STORE, "red mug"),
        (older(PROMPT), SAID),
        (older(*SIZE), "red mug"),
        (older(PROMPT, *SIZE), SAID),
    ],
)
@pytest.mark.parametrize("sqlite", [False, True])
def test_recorded_prompts_go_into_the_data(tmp_path, definitions, text, sqlite):
    mask = make.square(5, 5)
    result = make.result("default", SAID, 1, prompt="red mug")
    answer = make.answer(make.START, [result], [make.segment("default", mask, 0.75)])
    events = [*make.camera(1), (make.SEGMENTS, make.START + 9, answer)]
    bag = make.write(tmp_path / "bag", events, sqlite, definitions=definitions)
    run = prepare(bag, tmp_path / "out", *ALL)
    assert run.exit_code == 0, run.output
    (sample,) = read(tmp_path / "out")
    assert sample.texts == {"concept": (), "simple_query": (text,), "complex_query": ()}
    assert (sample.labelled, len(sample.targets), sample.recording.score) == (True, 1, 0.75)
