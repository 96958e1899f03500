"""What each variant trains and is asked, that common runs are made once, and the tables."""

from __future__ import annotations

import io
import json
import random
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file
from typer.testing import CliRunner

from sam3i_model.checkpoints.loading import HEADS, load, save
from sam3i_model.cli import build
from sam3i_model.grounding import Grounding
from sam3i_model.instruction import Level, Outcome
from tests.training.small_training import phases_of, random_start
from training import train as training
from training.ablation import command, measuring, running
from training.ablation.folder import Answers
from training.ablation.measuring import AblationError, Measured, check, measure, parted
from training.ablation.table import HEADINGS, as_markdown, cells, less, on_terminal, records
from training.ablation.variants import LOSSES, OnePath, stages_of, variants_of
from training.instructions.vocabulary import build_tokenizer
from training.loop.run import Run
from training.loop.settings import Span
from training.losses.recipes import SMALL
from training.questions import LEVELS
from training.samples.from_world import WorldSamples
from training.world.pool import PoolSpec, WorldPool
from training.world.writing import write_pool

TINY = {"batch_size": 2, "image_size": 64, "warmup": 1}
SLOW = {"learning_rate": 1.5e-3, "phases": phases_of(words=0.08, coarse=0.77, fine=0.15)}
"""Beside these, what leaving out the light `kl` changes in a step or two isn't rounded off."""
TRAINED = (
    *("full", "no-adapters", "one-adapter", "no-curriculum", "no-kl", "no-alignment"),
    *("release-init", "lite"),
)
SIMPLE, COPY, COMPLEX = ".simple.", ".simple_copy.", ".complex."


def tiny_stages(steps: int | None = None) -> list:
    stages = [replace(stage, **TINY) for stage in stages_of(steps or 5)]
    few = [{name: Span(s.share, 2) for name, s in stage.phases.items()} for stage in stages]
    stages = [replace(stage, phases=own) for stage, own in zip(stages, few, strict=True)]
    first, second, third = stages
    pairs = {"triplet": 0.6, "simple": 0.2, "complex": 0.2}
    masks = {"mixture": pairs, "phases": phases_of(fine=1.0)}
    # The one step of the third has both, and with them alignment.
    return [replace(first, **SLOW), second, replace(third, **masks)]


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> str:
    """A checkpoint without adapters; its weights are random."""
    torch.manual_seed(0)
    tokenizer = build_tokenizer()
    model = random_start(len(tokenizer))
    model.config.image_size = 64
    folder = tmp_path_factory.mktemp("base")
    save(model, tokenizer, folder)
    return str(folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    made = tmp_path_factory.mktemp("pool")
    write_pool(made, PoolSpec(9, 3, 128), 1, "", lambda count: None)
    return made


@pytest.fixture(scope="module")
def made(tmp_path_factory, base, folder) -> tuple[Path, dict[str, str], list[str]]:
    """Variants trained in one folder: it, their checkpoints, and the runs in their order.

    Of those whose later runs are as in the whole method, the first ones will do.
    """
    out = tmp_path_factory.mktemp("out")
    variants = variants_of(tiny_stages())
    for name, count in (("release-init", 2), ("lite", 1)):
        variants[name] = replace(variants[name], parts=variants[name].parts[:count])
    pool, told = WorldPool(folder), []
    checkpoints = {
        name: running.trained(variants[name], base, pool, out, told.append) for name in TRAINED
    }
    return out, checkpoints, [line.split(":")[0] for line in told]


def weights(checkpoint: Path | str) -> dict[str, torch.Tensor]:
    return load_file(Path(checkpoint) / "model.safetensors")


def moved(before: Path | str, after: Path | str) -> set[str]:
    old, new = weights(before), weights(after)
    assert old.keys() == new.keys()
    return {name for name, value in old.items() if value.ne(new[name]).any()}


def parts_of(names: set[str]) -> set[str]:
    return {part for part in (SIMPLE, COPY, COMPLEX) if any(part in name for name in names)}


@pytest.mark.parametrize("steps", [None, 5, 7, 1000])
def test_all_variants_take_equally_many_steps(steps):
    stages = stages_of(steps)
    totals = {
        name: sum(part.settings.steps for part in variant.parts)
        for name, variant in variants_of(stages).items()
    }
    assert totals.pop("no-adapters") == 0
    assert set(totals.values()) == {steps or sum(stage.steps for stage in stages_of())}
    assert all(stage.steps >= 1 for stage in stages)


def test_steps_are_shared_out_as_those_of_the_shipped_stages():
    assert [stage.steps for stage in stages_of(1000)] == [333, 500, 167]
    assert [stage.stage for stage in stages_of()] == ["1-1", "1-2", "3"]


def test_one_run_learns_from_the_same_shares_of_sentences_as_three():
    variants = variants_of(stages_of())
    for name, stage in (("one-adapter", "1-1"), ("no-curriculum", "3")):
        (part,) = variants[name].parts
        assert part.settings.stage == stage
        shares = {"simple": 4.7 / 12, "complex": 6.7 / 12, "triplet": 0.6 / 12}
        assert part.settings.mixture == pytest.approx(shares)
        assert part.settings.learning_rate == stages_of()[0].learning_rate
        for phase in ("words", "boxes", "coarse", "fine"):
            counts = [len(stage.spans.get(phase, ())) for stage in stages_of()]
            assert len(part.settings.spans[phase]) == sum(counts)


def test_a_loss_that_is_left_out_has_no_weight_and_all_else_is_as_it_was():
    variants = variants_of(stages_of())
    for name, losses in {**{f"no-{one}": (one,) for one in LOSSES}, "no-alignment": LOSSES}.items():
        full, own = variants["full"].parts, variants[name].parts
        assert own[:2] == full[:2]
        assert own[2].settings == full[2].settings
        recipe = own[2].recipe
        weights = {one: getattr(recipe.alignment, one) for one in LOSSES}
        assert {one for one, weight in weights.items() if weight == 0} == set(losses)
        usual = {one: getattr(SMALL.alignment, one) for one in losses}
        assert replace(recipe, alignment=replace(recipe.alignment, **usual)) == SMALL


def test_on_one_path_only_the_level_of_complex_sentences_changes(folder):
    samples = WorldSamples(WorldPool(folder), {"triplet": 0.5, "simple": 0.3, "complex": 0.2})

    def drawn(source) -> object:
        return source.draw(random.Random(3), np.random.default_rng(3), 64, 12)

    plain, one = drawn(samples), drawn(OnePath(samples))
    assert {entry.level for entry in plain.asked} == {Level.SIMPLE, Level.COMPLEX}
    assert {entry.level for entry in one.asked} == {Level.SIMPLE}
    assert [entry.text for entry in one.asked] == [entry.text for entry in plain.asked]
    assert one.pairs == plain.pairs != []


def test_common_runs_are_made_once(made, tmp_path):
    _, _, runs = made
    assert runs == [
        *("full/1-1", "full/1-2", "full/3", "one-adapter/1-1", "no-curriculum/3"),
        *("no-kl/3", "no-alignment/3", "release-init/1-1", "release-init/1-2", "lite/1-1"),
    ]
    parts = running.left(variants_of(tiny_stages()).values(), tmp_path)
    assert [part.name for part in parts] == [
        *("full/1-1", "full/1-2", "full/3", "one-adapter/1-1", "no-curriculum/3"),
        *("no-kl/3", "no-hard/3", "no-contrast/3", "no-anchor/3", "no-alignment/3"),
        *("release-init/1-1", "release-init/1-2", "release-init/3"),
        *("lite/1-1", "lite/1-2", "lite/3"),
    ]


def test_every_variant_trains_what_it_should_and_leaves_the_base_alone(made, base):
    out, checkpoints, _ = made
    assert checkpoints["no-adapters"] == base
    own = weights(base)
    for checkpoint in checkpoints.values():
        after = weights(checkpoint)
        assert all(torch.equal(value, after[name]) for name, value in own.items())
    first, second, third = (out / f"full/{stage}/model" for stage in ("1-1", "1-2", "3"))
    assert checkpoints["full"] == str(third)
    assert parts_of(moved(first, second)) == {COPY, COMPLEX}
    for name in ("full", "no-kl", "no-alignment"):
        assert parts_of(moved(second, checkpoints[name])) == {SIMPLE, COPY, COMPLEX}
        assert name == "full" or moved(third, checkpoints[name])
    fresh = {"lite": {SIMPLE}, "one-adapter": {SIMPLE}, "no-curriculum": {SIMPLE, COPY, COMPLEX}}
    for name, parts in fresh.items():
        after = weights(checkpoints[name])
        started = {
            key for key, value in after.items() if key.endswith(".up_proj.weight") and value.any()
        }
        assert parts_of(started) == parts
    configs = {
        name: json.loads((Path(path) / "config.json").read_text())
        for name, path in checkpoints.items()
    }
    assert configs["lite"]["adapters"] == "lite"
    assert configs["full"]["adapters"] == "full"
    assert configs["one-adapter"]["trained_levels"] == ["concept", "simple"]
    assert configs["no-curriculum"]["trained_levels"] == ["concept", "simple", "complex"]


def test_the_releases_initialisation_learns_hardly_more_than_biases(made):
    out, _, _ = made
    first, second = (weights(out / f"release-init/{stage}/model") for stage in ("1-1", "1-2"))
    alive = {
        name.split(SIMPLE)[1]
        for name, value in first.items()
        if "text_encoder" in name and SIMPLE in name and "norm" not in name and value.any()
    }
    assert alive == {"attention.out_proj.bias", "up_proj.bias"}
    alive = {
        name.split(COMPLEX)[1]
        for name, value in second.items()
        if ".adapters." in name and COMPLEX in name and value.any()
    }
    assert alive == {"attention.out_proj.bias", "up_proj.bias"}
    others = (k for k in first if "detr_" in k and f"{SIMPLE}up_proj.weight" in k)
    assert all(first[name].any() for name in others)  # they aren't dead in the first stage


def test_an_interrupted_run_goes_on_and_finished_ones_are_left(
    tmp_path, made, base, folder, monkeypatch
):
    variant, pool = variants_of(tiny_stages())["full"], WorldPool(folder)
    variant = replace(variant, parts=variant.parts[:2])
    monkeypatch.setattr(training, "SAVE_EVERY", 1)
    real, taken = Run.take, []

    def take(self, stream):
        if len(taken) == 3:
            taken.append(None)
            raise KeyboardInterrupt
        taken.append((self.settings.stage, self.step))
        return real(self, stream)

    monkeypatch.setattr(Run, "take", take)
    with pytest.raises(KeyboardInterrupt):
        running.trained(variant, base, pool, tmp_path, str)
    assert [part.name for part in running.left([variant], tmp_path)] == ["full/1-2"]
    checkpoint = running.trained(variant, base, pool, tmp_path, str)
    assert taken == [("1-1", 0), ("1-1", 1), ("1-2", 0), None, ("1-2", 1)]
    assert moved(made[0] / "full/1-2/model", checkpoint) == set()
    assert running.trained(variant, base, pool, tmp_path, str) == checkpoint
    assert len(taken) == 5


class Listener:
    """Stands for a segmenter: finds nothing, and remembers what it was asked with which limits."""

    def __init__(self) -> None:
        thresholds = {"concept": 0.5, "simple": 0.5, "complex": 0.5}
        config = SimpleNamespace(
            score_thresholds=dict(thresholds), presence_thresholds=dict(thresholds)
        )
        self.model = SimpleNamespace(config=config)
        self.name = "listener"
        self.asked: list[tuple[str, Level, bool]] = []

    def set_image(self, image: np.ndarray) -> None:
        self.shape = image.shape[:2]

    def ground(self, instructions: list) -> list[Grounding]:
        empty = np.zeros((0, *self.shape), bool), np.zeros(0, np.float32), np.zeros((0, 4))
        self.asked += [(i.text, i.level, i.threshold > 0) for i in instructions]
        return [
            Grounding(
                i, Outcome.NOT_FOUND, i.level, 0.2, masks=empty[0], scores=empty[1], boxes=empty[2]
            )
            for i in instructions
        ]


@pytest.mark.parametrize(
    ("name", "paths"),
    [
        ("full", (Level.SIMPLE, Level.COMPLEX)),
        ("one-adapter", (Level.SIMPLE, Level.SIMPLE)),
        ("no-adapters", (Level.CONCEPT, Level.CONCEPT)),
    ],
)
def test_all_are_asked_the_same_but_each_on_its_own_paths(folder, monkeypatch, capsys, name, paths):
    heard: list[Listener] = []

    def loaded(checkpoint: str) -> Listener:
        heard.append(Listener())
        return heard[-1]

    monkeypatch.setattr(measuring.Segmenter, "from_pretrained", loaded)
    pool = WorldPool(folder)
    variant = variants_of(stages_of())[name]
    measured = measure(variant, "checkpoint", pool)
    assert list(measured) == ["simple", "complex"]
    said = capsys.readouterr()
    assert f"{name}, simple" in said.err
    assert name not in said.out
    for (level, one), listener, path in zip(measured.items(), heard, paths, strict=True):
        assert {asked for _, asked, _ in listener.asked} == {path}
        expected = [
            question
            for number in parted(pool)[0]
            for question in measuring.questions(pool, level, level)[number].questions
        ]
        # thresholds first, with a low limit of their own; then the real thing
        assert [text for text, _, low in listener.asked if not low] == [q.text for q in expected]
        assert one.ious == [float(not question.present) for question in expected]
        assert one.pictures == [number for number in range(6) for _ in range(4)]
        assert one.figures["n_acc"] == 1
        assert one.figures["presence_recall"] == 0
        limits = listener.model.config
        name = path.name.lower()
        assert (limits.score_thresholds[name], limits.presence_thresholds[name]) == (
            one.score,
            one.presence,
        )
        assert 0.5 not in (one.score, one.presence)


def test_thresholds_are_chosen_on_other_scenes_and_twins_stay_together():
    for count in (9, 12, 300):
        measuring_, choosing = parted([None] * count)  # type: ignore[arg-type]
        assert [*measuring_, *choosing] == list(range(count))
        assert len(measuring_) % 2 == 0
        assert len(measuring_) >= len(choosing) > 0


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_scenes_are_refused(folder, monkeypatch, count):
    check(WorldPool(folder))
    monkeypatch.setattr(WorldPool, "__len__", lambda self: count)
    with pytest.raises(AblationError, match="too few scenes"):
        check(WorldPool(folder))


def test_answers_to_other_sentences_are_other_answers(folder, tmp_path, monkeypatch):
    variant, one = variants_of(stages_of())["full"], answered(1.0)
    Answers(tmp_path, WorldPool(folder))[variant] = {"simple": one}
    assert Answers(tmp_path, WorldPool(folder))[variant] == {"simple": one}
    monkeypatch.setitem(LEVELS, "complex", LEVELS["simple"])
    assert variant not in Answers(tmp_path, WorldPool(folder))


def answered(*ious: float, pictures: int = 8) -> Measured:
    figures = {"giou": float(np.mean(ious)), "n_acc": 0.875, "presence_recall": 0.5}
    return Measured(0.4, 0.1, figures, list(range(pictures)), list(ious))


HALF, BETTER = answered(*[0.5] * 8), answered(*[0.75] * 8)


def test_a_difference_has_its_interval_and_its_chance():
    loss = less(HALF, BETTER)
    assert (loss.giou, loss.margin) == (-0.25, 0)
    assert loss.chance == 1 / 256  # of all ways to choose eight signs
    assert str(loss) == "-0.250 ± 0.000 *"
    gain = less(BETTER, HALF)
    assert (gain.giou, gain.chance) == (0.25, 1 / 256)
    mixed = less(answered(0, 1, 0, 1, 0, 1, 0, 1), HALF)
    assert mixed.giou == 0
    assert mixed.chance > 0.5
    assert str(mixed) == f"+0.000 ± {1.96 * (8 / 7 * 8 * 0.25) ** 0.5 / 8:.3f}"
    with pytest.raises(ValueError, match="different pictures"):
        less(HALF, answered(0.5, pictures=1))


def test_a_narrow_terminal_shows_every_number():
    numbers = ["12000", "0.512", "-0.021 ± 0.015 *", "0.433", "+0.003 ± 0.015", "0.72 / 0.68"]
    shown = io.StringIO()
    console = Console(file=shown, width=80, force_terminal=True, color_system=None)
    console.print(on_terminal([["no-curriculum", *numbers, "0.98 / 0.97"]]))
    told = shown.getvalue()
    assert max(map(len, told.splitlines())) <= 80
    whole = ("no-curriculum", "12000", "0.512", "0.433", "-0.021", "+0.003")
    assert [told.count(text) for text in whole] == [1] * 6
    assert [told.count(text) for text in ("0.015", "0.72", "0.68", "0.98", "0.97")] == [2, *[1] * 4]


def test_tables_of_known_answers():
    variants = variants_of(stages_of(1000))
    entries = [
        (variants["full"], {"simple": BETTER, "complex": HALF}),
        (variants["no-adapters"], {"simple": HALF, "complex": HALF}),
    ]
    rows = cells(entries)
    assert rows == [
        ["full", "1000", "0.750", "", "0.500", "", "0.88 / 0.88", "0.50 / 0.50"],
        [
            *("no-adapters", "0", "0.500", "-0.250 ± 0.000 *", "0.500", "+0.000 ± 0.000"),
            *("0.88 / 0.88", "0.50 / 0.50"),
        ],
    ]
    page = as_markdown(rows, ["`command`"]).splitlines()
    assert page[0] == "`command`"
    assert page[2] == "| " + " | ".join(HEADINGS) + " |"
    assert page[3].count("---") == page[4].count("|") - 1 == len(HEADINGS)
    assert page[5].startswith("| no-adapters | 0 | 0.500 | -0.250 ± 0.000 * |")
    full, none = records(entries)
    assert full["runs"] == ["full/1-1", "full/1-2", "full/3"]
    assert full["levels"]["simple"]["less_full"] is None
    assert none["levels"]["simple"]["less_full"] == {
        "giou": -0.25,
        "margin": 0,
        "chance": 1 / 256,
    }
    assert none["levels"]["simple"]["thresholds"] == {"score": 0.4, "presence": 0.1}
    alone = cells(entries[1:])
    assert alone[0][3] == ""  # nothing to compare with


@pytest.fixture
def called(monkeypatch, folder, base, tmp_path):
    """Run the command with tiny stages, by default on the pool and from the base."""
    monkeypatch.setattr(command, "stages_of", tiny_stages)

    def run(*more: object, start: str = base, out: Path = tmp_path / "out"):
        words = ["ablate", folder, out, "--from", start, *more]
        return CliRunner().invoke(build("ablate"), [str(word) for word in words])

    return run


@pytest.mark.slow
def test_the_command_trains_measures_and_goes_on(called, folder, tmp_path, monkeypatch):
    out = tmp_path / "out"
    first = called("--only", "one-adapter")
    assert first.exit_code == 0, first.output
    assert json.loads((out / "ablation.json").read_text())["variants"] == []
    monkeypatch.setattr(Run, "take", None)  # nothing more is trained
    result = called("--only", "one-adapter,no-adapters", "--validation", folder)
    assert result.exit_code == 0, result.output
    content = json.loads((out / "ablation.json").read_text())
    assert [entry["name"] for entry in content["variants"]] == ["no-adapters", "one-adapter"]
    assert content["command"].endswith(f"--validation {folder}")
    for entry in content["variants"]:
        assert entry["levels"]["complex"]["figures"]["sentences"] == 24
    page = (out / "ablation.md").read_text()
    assert "| one-adapter | 5 |" in page
    assert "24 sentences a level about 6 scenes; thresholds chosen on 3 others" in page
    assert "one-adapter" in result.output
    monkeypatch.setattr(command, "measure", None)  # nor measured
    again = called("--only", "one-adapter,no-adapters", "--validation", folder)
    assert again.exit_code == 0, again.output
    assert json.loads((out / "ablation.json").read_text()) == content


def test_a_dry_run_says_what_is_left_and_writes_nothing(called, tmp_path):
    result = called("--only", "full,no-kl,no-adapters", "--dry-run")
    assert result.exit_code == 0, result.output
    said = " ".join(result.output.split())
    for words in ("full/1-1", "full/1-2", "no-kl/3", "6 steps of", "at most", "free"):
        assert words in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--only", "full,no-head"), "there is no variant no-head, only full, no-adapters"),
        (("--validation", "nowhere"), "no rendered scenes in nowhere"),
    ],
)
def test_mistakes_are_one_line(called, tmp_path, more, said):
    refused(called(*more), said)
    assert not (tmp_path / "out").exists()


def refused(result, said: str) -> None:
    assert result.exit_code == 1
    assert said in " ".join(result.output.split())
    assert "Traceback" not in result.output


def test_of_a_checkpoint_with_adapters_the_base_is_taken(called, made, base, tmp_path):
    taught = made[1]["full"]
    assert weights(taught).keys() > weights(base).keys()
    assert called("--only", "no-adapters", start=taught).exit_code == 0
    assert not moved(base, tmp_path / "out/base")
    assert (tmp_path / "out/base" / HEADS).read_bytes() == (Path(taught) / HEADS).read_bytes()
    assert called("--only", "no-adapters").exit_code == 0  # the same base


def test_other_bases_and_other_steps_are_refused(called, made, tmp_path):
    assert called("--only", "no-adapters").exit_code == 0
    changed, tokenizer = load(made[1]["full"], "cpu")
    torch.nn.init.ones_(changed.detr_decoder.query_embed.weight)
    save(changed, tokenizer, tmp_path / "changed")
    refused(called(start=tmp_path / "changed"), "was begun with other base")
    refused(called("--steps", "10"), "was begun with other settings")
    (tmp_path / "out/ablation.json").write_text("[]")
    refused(called(), "can't be read: name another folder")
