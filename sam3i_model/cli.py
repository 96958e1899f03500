"""`sam3i VERB ...`: one word, a verb a task. A verb's module is imported only when it is called."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module, metadata
from typing import Annotated, Any

import typer

from sam3i_model.terminal import complain, notes

VERBS = {
    "demo": (
        "sam3i_ros.demo:demo_command",
        "Run the ROS 2 node on two recordings; write a report.",
    ),
    "segment": (
        "sam3i_model.segment:segment_command",
        "Find what sentences describe in a picture.",
    ),
    "info": ("sam3i_model.info:info_command", "Say what a checkpoint is."),
    "convert": (
        "sam3i_model.convert:convert_command",
        "Write any checkpoint as a folder of ours.",
    ),
    "export": (
        "sam3i_model.engines.command:export_command",
        "Write a checkpoint as ONNX graphs that are checked against PyTorch.",
    ),
    "check": ("sam3i_model.check:check_command", "Show how an instruction is understood."),
    "render": ("training.world.__main__:app", "Render scenes to train on, and recordings."),
    "annotate": (
        "training.engine.command:annotate_command",
        "Have a language model write instructions for annotated images.",
    ),
    "prepare": (
        "training.bags.command:prepare_command",
        "Make a data set of recorded bags.",
    ),
    "review": (
        "training.review.command:review_command",
        "Correct a data set's masks and sentences in the browser.",
    ),
    "train": ("training.train:train_command", "Train a checkpoint."),
    "calibrate": ("training.calibrate:calibrate_command", "Choose a checkpoint's thresholds."),
    "evaluate": (
        "training.evaluate:evaluate_command",
        "Measure a checkpoint, alone or beside another or a baseline.",
    ),
    "ablate": (
        "training.ablation.command:ablate_command",
        "Train and measure variants of SAM3-I that lack a part.",
    ),
    "replay": (
        "sam3i_ros.replay:replay_command",
        "Run a recorded bag through a model, into a new bag.",
    ),
    "bench": ("sam3i_ros.bench:app", "Measure the model, the node and its tracking."),
}


def load(target: str) -> Any:
    """Import `package.module:attribute`."""
    module, attribute = target.split(":")
    return getattr(import_module(module), attribute)


def build(called: str | None) -> typer.Typer:
    """The application, with only the called verb imported; the others have their help line."""
    app = typer.Typer(
        help="Find what a sentence describes: masks and 3D points.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.callback()(options)
    for verb, (target, help_line) in VERBS.items():
        command: Any = load(target) if verb == called else placeholder(verb)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=verb, help=help_line)
        else:
            app.command(verb, help=help_line if verb != called else None)(command)
    return app


def say_version(asked: bool) -> None:
    """Answers --version, which ends here."""
    if asked:
        print(metadata.version("sam3i_ros"))
        raise typer.Exit


def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=say_version, is_eager=True, help="Say which this is."),
    ] = False,
) -> None:
    """Takes what stands before a verb."""


def placeholder(verb: str) -> Callable[[], None]:
    """Stands for a verb that was not called."""

    def command() -> None:
        raise AssertionError(f"{verb} was not loaded")

    return command


def remedy(verb: str) -> str:
    """What installs all that a verb needs. A robot's own environment lacks only what trains."""
    if VERBS[verb][0].startswith("training."):
        return (
            "`pip install -r requirements/training.txt` in a virtual environment apart from "
            "ROS 2's, such as the one of `make setup` on a workstation"
        )
    return (
        "run `make setup`; where ROS 2 is installed, source your workspace and "
        "`pip install -r requirements/robot.txt`"
    )


def main() -> None:
    """Entry point of `sam3i`."""
    called = next((word for word in sys.argv[1:] if not word.startswith("-")), None)
    if called and called not in VERBS:
        complain(f"there is no verb '{called}'; there are: {', '.join(VERBS)}")
        raise SystemExit(2)
    try:
        build(called)()  # commands import some of what they need when they run
    except ImportError as error:
        assert called, "help imports nothing"
        missing = error.name or str(error)
        complain(f"sam3i {called} needs '{missing}', which is not installed: {remedy(called)}")
        raise SystemExit(1) from error
    except KeyboardInterrupt:  # while it imports; then commands say themselves what is kept
        notes().print("stopped")
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
