"""What a checkpoint is put beside: another one, itself asked otherwise, or the agent."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from sam3i_model.chat.client import AgentError, ChatClient
from sam3i_model.segmenter import Segmenter
from training.evaluation.agent_baseline import AgentBaseline
from training.evaluation.asking import Answerer, AsRead, BaseAlone, Checkpoint


class Baseline(str, Enum):
    """A rival that is no other checkpoint."""

    base = "base"
    router = "router"
    agent = "agent"


class OptionError(ValueError):
    """Which options don't go together, in one line."""


@dataclass(frozen=True)
class Wanted:
    """What the options say of a rival.

    Attributes:
        against: Another checkpoint.
        baseline: Or one of these.
        address, llm: Of the agent's language model.
        out: Folder that its answers are kept in.
    """

    against: str | None = None
    baseline: Baseline | None = None
    address: str | None = None
    llm: str | None = None
    out: Path | None = None

    @property
    def stem(self) -> str:
        """Name of the rival's file of rows, without its ending."""
        return self.baseline.value if self.baseline else "against"


def rival_of(first: Segmenter, wanted: Wanted) -> Answerer | None:
    """What `first` is put beside; None: nothing.

    Raises:
        OptionError: The options don't go together.
        CheckpointError: The other checkpoint can't be loaded.
    """
    if wanted.against and wanted.baseline:
        raise OptionError("--against and --baseline are two comparisons: give one of them")
    if wanted.baseline is not Baseline.agent and (wanted.address or wanted.llm):
        raise OptionError("--address and --llm are the agent's: give --baseline agent as well")
    if wanted.against:
        return Checkpoint(Segmenter.from_pretrained(wanted.against, backend="torch"))
    if wanted.baseline is None:
        return None
    if wanted.baseline is Baseline.router:
        return AsRead(first)
    if "concept" not in first.model.config.trained_levels:
        raise OptionError(
            f"{first.name} was not trained for concepts: it has no base to put beside"
        )
    return BaseAlone(first) if wanted.baseline is Baseline.base else _agent(first, wanted)


def _agent(first: Segmenter, wanted: Wanted) -> AgentBaseline:
    if not (wanted.address and wanted.llm):
        raise OptionError(
            "the agent needs a language model: give --address, such as http://localhost:8000/v1, "
            "and --llm, its name there"
        )
    if wanted.out is None:
        raise OptionError("the agent's answers have a price: give --out, a folder to keep them in")
    try:
        client = ChatClient(wanted.address, wanted.llm, wanted.out / "cache")
    except AgentError as error:
        raise OptionError(str(error)) from error
    return AgentBaseline(first, client)
