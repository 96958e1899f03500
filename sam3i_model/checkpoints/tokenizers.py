"""The tokenizer of a checkpoint: the one beside its weights, or CLIP's for official files."""

from __future__ import annotations

import gzip
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from tokenizers.pre_tokenizers import ByteLevel
from transformers import CLIPTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from sam3i_model.checkpoints.weights import CheckpointError, first_line

VOCABULARY_PACKAGE = "openai-clip"
VOCABULARY = "bpe_simple_vocab_16e6.txt.gz"
MERGES = 49152 - 256 - 2
"""CLIP takes this many of the merges in its file; 256 bytes and two special tokens make it full."""


def clip_tokenizer() -> PreTrainedTokenizerBase:
    """CLIP's byte-pair tokenizer, which SAM 3 uses, from the vocabulary in OpenAI's package.

    Raises:
        CheckpointError: The package isn't installed.
    """
    try:
        found = [f for f in files(VOCABULARY_PACKAGE) or () if f.name == VOCABULARY]
        lines = gzip.decompress(Path(str(found[0].locate())).read_bytes()).decode().split("\n")
    except (PackageNotFoundError, IndexError, OSError) as error:
        raise CheckpointError(
            "official files come without a tokenizer: `pip install openai-clip`, which has it"
        ) from error
    merges = [tuple(line.split()) for line in lines[1 : MERGES + 1]]
    characters = sorted(ByteLevel.alphabet())
    tokens = [*characters, *(c + "</w>" for c in characters), *("".join(m) for m in merges)]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    return CLIPTokenizer(
        vocab=vocabulary,
        merges=merges,  # type: ignore[arg-type]  # pairs, whatever the annotation says
    )


def tokenizer_for(path: Path) -> PreTrainedTokenizerBase:
    """The tokenizer in a checkpoint folder; CLIP's for an official file or a SAM 3 without one.

    Raises:
        CheckpointError: There is none, or it is damaged.
    """
    if path.is_file():
        return clip_tokenizer()
    if not (path / "tokenizer.json").is_file():
        if '"sam3i"' in (path / "config.json").read_text(errors="replace"):
            raise CheckpointError(f"'{path}' has no tokenizer.json: it is not a checkpoint")
        return clip_tokenizer()
    try:
        return PreTrainedTokenizerFast.from_pretrained(path, local_files_only=True)
    except Exception as error:  # the library raises whatever its parsers raise
        raise CheckpointError(
            f"'{path}' has a tokenizer that can't be read: {first_line(error)}"
        ) from error
