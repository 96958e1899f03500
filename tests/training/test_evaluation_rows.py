"""Rows on disk: what they depend on, and what is not taken for them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sam3i_model import instruction, routing
from tests.training.evaluation_samples import GOOD, Scripted
from training.evaluation.asking import AsRead, Checkpoint, identity_of
from training.evaluation.rows import RowFile, RowsError


def test_other_arguments_are_refused(tmp_path):
    path = tmp_path / "rows.jsonl"
    RowFile(path, {"seed": 5, "weights": "0a"})
    RowFile(path, {"seed": 5, "weights": "0a"})
    with pytest.raises(RowsError, match=r"another seed \(5, not 6\): give the same") as error:
        RowFile(path, {"seed": 6, "weights": "0a"})
    assert "\n" not in str(error.value)
    with pytest.raises(RowsError, match="another weights"):
        RowFile(path, {"seed": 5})
    with path.open("a") as file:
        file.write('{"picture": 0, "left": 0, "rows": [{"text": "old"}]}\n')
    with pytest.raises(RowsError, match="another version"):
        RowFile(path, {"seed": 5, "weights": "0a"}).read()
    with path.open("a") as file:
        file.write('{"picture": 1, "rows": []}\n')
    with pytest.raises(RowsError, match="another version"):
        RowFile(path, {"seed": 5, "weights": "0a"})
    for wrong in ("not rows\n", '{"seed": 5}\n', "[]\n"):
        path.write_text(wrong)
        with pytest.raises(RowsError, match="is not a file of rows"):
            RowFile(path, {"seed": 5})


@pytest.mark.parametrize("foreign", [b'{"version": 1, "precious": true}', b"x", b'{"arguments" '])
def test_a_foreign_file_without_an_end_of_line_stays_as_it_is(tmp_path, foreign):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(foreign)
    with pytest.raises(RowsError, match="is not a file of rows: give another --out"):
        RowFile(path, {"seed": 5})
    assert path.read_bytes() == foreign
    path.write_bytes(b'{"argum')  # a kill at once
    RowFile(path, {"seed": 5})
    assert path.read_bytes() == b'{"arguments":{"seed":5}}\n'


def test_other_weights_settings_or_tokenizers_have_another_identity():
    model = Scripted("good", GOOD, ())
    before = identity_of(model)
    model.tokenizer("a", padding=False, truncation=True, max_length=8)
    assert identity_of(model) == before
    model.tokenizer.add_tokens(["b"])
    assert identity_of(model) != before
    model = Scripted("good", GOOD, ())
    assert identity_of(Scripted("good", {}, ())) == before
    assert identity_of(Scripted("other", {}, ())) != before
    model.model.state_dict()["weight"][1] = 2
    assert identity_of(model) != before


def test_rows_of_other_rules_are_refused_where_rules_read_the_sentences(tmp_path, monkeypatch):
    folder = tmp_path / "rules"
    read_by = Path(routing.__file__).parent
    shutil.copytree(read_by, folder / "routing", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(instruction.__file__, folder)
    model = Scripted("good", GOOD, ())
    read = AsRead(model)
    before = read.identity()
    RowFile(tmp_path / "router.jsonl", before).close()
    monkeypatch.setattr(instruction, "__file__", str(folder / "instruction.py"))
    monkeypatch.setattr(routing, "__file__", str(folder / "routing/__init__.py"))
    assert read.identity() == before  # wherever they lie
    for file in folder.rglob("*.py"):
        whole = file.read_text()
        file.write_text(f"{whole}# another rule\n")
        with pytest.raises(RowsError, match="begun with another rules"):
            RowFile(tmp_path / "router.jsonl", read.identity())
        assert Checkpoint(model).identity() == {"weights": before["weights"]}
        file.write_text(whole)
