"""Data as commands take it: a world pool's folder, a SAM3-I JSON file, or the folder it is in.

They are opened to learn from, as samples, or to be asked about, as questions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from sam3i_model.terminal import notes
from training.bags.files import is_storage
from training.instruction_file import InstructionFile, file_in, is_folder
from training.loop.settings import UNGROUNDED, Settings, SettingsError
from training.questions import SENTENCES, QuestionError, Source, WorldQuestions
from training.samples.from_file import FileSamples
from training.samples.from_world import WorldSamples
from training.samples.sample import Mixed, Samples
from training.world.pool import WorldPool, records_of, shards_of

VALIDATION_SEED = 5


def open_data(
    data: Path, settings: Settings, rehearsal: Path | None, validation: Path | None
) -> tuple[Samples, Source | None]:
    """What to train on and what to validate on.

    Args:
        data: A pool of rendered scenes, a SAM3-I JSON file, or the folder it is in.
        settings: Of the run.
        rehearsal: Data of either kind to mix in, so that what was learned on it stays.
        validation: Data of either kind; None: what the settings hold out of a file, if anything.

    Raises:
        SourceError, QuestionError, FileNotFoundError: Some of it can't be used; one line.
    """
    samples = open_samples(data, settings, settings.variants)
    source = open_source(validation, None, VALIDATION_SEED) if validation else None
    if source is None and settings.hold_out and isinstance(samples, FileSamples):
        held = samples.hold_out(settings.hold_out)
        source = InstructionFile(data, only=held)
    if rehearsal:
        share = settings.rehearsal
        others = open_samples(rehearsal, settings)
        samples = Mixed([(1 - share, samples), (share, others)])
    return samples, source


def check_there(data: Path) -> None:
    """Whether there is anything that could be data.

    Raises:
        FileNotFoundError: There is not; one line that says what to do.
    """
    if not data.exists():
        raise FileNotFoundError(
            f"there is nothing at {data}: name a SAM3-I JSON or its folder (`sam3i prepare`, "
            "`sam3i annotate`), or a folder of scenes (`sam3i render pool`)"
        )
    if is_folder(data) or (data.is_dir() and shards_of(data)):
        return
    files = data.iterdir() if data.is_dir() else [data]
    if any(map(is_storage, files)):
        raise FileNotFoundError(
            f"{data} is a recording: make a data set of it, `sam3i prepare {data} OUT`, and name "
            "that"
        )


def open_samples(data: Path, settings: Settings, variants: int = 0) -> Samples:
    """A pool of rendered scenes, or a SAM3-I JSON file or the folder it is in."""
    check_there(data)
    mixture, absent = settings.mixture, settings.absent
    if data.is_file() or is_folder(data):
        samples = FileSamples(file_in(data), mixture, variants, absent)
        problems = samples.problems
        if problems.count:
            notes().print(f"{data}: {problems.count} left out, such as {problems.lines[0]}")
        if samples.unreviewed:
            notes().print(f"{data}: {samples.unreviewed}")
        return samples
    return WorldSamples(WorldPool(data), mixture, absent)


def suited(settings: Settings, samples: Samples) -> Settings:
    """Without the ungrounded phases, if the data don't say of what kind things are: nothing would
    be learned.

    Raises:
        SettingsError: There is no other phase.
    """
    phases = settings.phases
    if not samples.kinds_known:
        phases = {name: span for name, span in phases.items() if name not in UNGROUNDED}
    if not phases:
        raise SettingsError(
            "the data don't say of what kind things are, which is all that these settings teach: "
            "name settings with a phase boxes, coarse or fine"
        )
    return replace(settings, phases=phases)


def recurring(samples: Samples) -> int:
    """How many different pictures there are that will be drawn again."""
    if isinstance(samples, Mixed):
        return sum(map(recurring, samples.parts))
    return samples.variants * len(samples.pictures) if isinstance(samples, FileSamples) else 0


def description(data: Path) -> list[Path]:
    """The files that say what data of either kind hold."""
    if data.is_file() or is_folder(data):
        return [file_in(data)]
    return records_of(data)


def open_source(data: Path, images: Path | None, seed: int, sentences: int = SENTENCES) -> Source:
    """A world pool's folder, about each scene of which so many `sentences` a level are asked, a
    SAM3-I JSON file, or the folder that has one.

    Raises:
        QuestionError, FileNotFoundError: It is none, in one line.
    """
    check_there(data)
    if data.is_dir() and not is_folder(data):
        return WorldQuestions(WorldPool(data), seed, sentences=sentences)
    questions = InstructionFile(data, images)
    if questions.unreviewed:
        notes().print(f"{data}: {questions.unreviewed}")
    return questions


def chosen_levels(wanted: str, source: Source, trained: Iterable[str]) -> list[str]:
    """The levels to ask: those wanted, or all that there are questions of and that were trained.

    Raises:
        QuestionError: None, or one that there are no questions of.
    """
    named = [level.strip() for level in wanted.split(",") if level.strip()]
    unknown = [level for level in named if level not in source.levels]
    if unknown:
        raise QuestionError(
            f"there are no questions of the level {unknown[0]}, only of "
            f"{' and '.join(source.levels)}"
        )
    known = set(trained)
    levels = [level for level in source.levels if level in (named or known)]
    if not levels:
        raise QuestionError(
            f"nothing to ask: the questions are {' and '.join(source.levels) or 'none'}, the "
            f"checkpoint was trained for {' and '.join(sorted(known))}"
        )
    return levels
