"""`sam3i check`: how instructions are understood, without looking at any picture."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text
from transformers import PreTrainedTokenizerBase

from sam3i_model.checkpoints.loading import CheckpointError, locate
from sam3i_model.checkpoints.tokenizers import tokenizer_for
from sam3i_model.configuration import CONTEXT_LENGTH
from sam3i_model.instruction import MAX_TEXT_LENGTH, Routing, clean, refusal, route
from sam3i_model.processing import tokenize
from sam3i_model.terminal import results


def check_command(
    instructions: Annotated[list[str], typer.Argument(help="Sentences, each in quotes.")],
    model: Annotated[str, typer.Option(help="'bundled' or another checkpoint.")] = "bundled",
) -> None:
    """Show how instructions are understood: level, tokens, words the model doesn't know."""
    console = results()
    try:
        tokenizer = tokenizer_for(locate(model))
    except CheckpointError as error:
        console.print(Text(str(error), style="red"), soft_wrap=True)
        raise typer.Exit(1) from error
    for text in instructions:
        console.print(understanding(text, tokenizer))


def understanding(text: str, tokenizer: PreTrainedTokenizerBase) -> Table:
    """What the router and the tokenizer make of one sentence."""
    table = Table(
        title=Text(clean(text[:MAX_TEXT_LENGTH])), show_header=False, title_justify="left"
    )
    if reason := refusal(text):
        table.add_row("rejected", reason)
        return table
    routing = route(text)
    tokens = tokenize(tokenizer, routing.prompt)
    kept = min(tokens.count, CONTEXT_LENGTH)
    pieces = tokenizer.convert_ids_to_tokens(tokens.ids[:kept].tolist())
    table.add_row("level", f"{routing.level.name.lower()}: {routing.why}")
    table.add_row("asks for", _wanted(routing))
    table.add_row("the model reads", Text(routing.prompt))
    table.add_row("tokens", Text(" ".join(pieces)))
    cut = f", cut to {CONTEXT_LENGTH}: say it shorter" if tokens.truncated else ""
    table.add_row("token count", f"{tokens.count}{cut}")
    table.add_row("unknown words", Text(", ".join(tokens.unknown) or "none"))
    return table


def _wanted(routing: Routing) -> str:
    if routing.definite:
        return "one certain thing"
    return "any one; all that fit are given" if routing.singular else "everything that fits"
