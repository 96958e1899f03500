"""The words that the small model knows, and its word-level tokenizer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from types import ModuleType

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from sam3i_model.configuration import CONTEXT_LENGTH
from training.instructions import (
    frames,
    lexicon,
    nouns,
    outside,
    partly,
    parts,
    requests,
    templates,
    templates_relations,
    templates_sets,
    wording,
)
from training.instructions.common_words import COMMON
from training.instructions.purposes import PURPOSES

PAD, BOS, EOS, UNK = "[PAD]", "[BOS]", "[EOS]", "[UNK]"
SPECIAL_TOKENS: tuple[str, ...] = (PAD, BOS, EOS, UNK)
"""Their ids are 0 to 3. Padding is 0, as the text adapters of SAM3-I need it."""

_FIELD = re.compile(r"\{+\w+\}+")
_SPOKEN: tuple[ModuleType, ...] = (
    frames,
    lexicon,
    partly,
    parts,
    requests,
    templates,
    templates_relations,
    templates_sets,
    wording,
)
_GLUE = ("is are a an not pair pairs of the that one belong belongs",)
"""What the code puts between the words of the tables."""


def vocabulary() -> list[str]:
    """Every word of the grammar and many common ones, in a fixed order, without those that are
    kept unknown on purpose."""
    named = {*nouns.MEANINGS, *lexicon.ANY_NOUNS}
    texts = [*_GLUE, *named, *map(lexicon.plural, named), *COMMON]
    for word in {word for words in parts.WORDS.values() for word in words}:
        texts.append(parts.plural_of(word))
    for purpose in PURPOSES.values():
        texts += [*purpose.uses, *purpose.abilities, *purpose.properties, *purpose.situations]
    for module in _SPOKEN:
        texts += _strings([value for name, value in vars(module).items() if name.isupper()])
    normalize = _normalizer().normalize_str
    # {be}n't comes out as "is not" or "are not".
    spelled = (_FIELD.sub(" ", text.replace("{be}n't", "not")) for text in texts)
    said = {word for text in spelled for word in normalize(text).split()}
    return sorted(said - {*outside.OUTSIDE, *outside.IDLE_ADJECTIVES})


def build_tokenizer() -> PreTrainedTokenizerFast:
    """One token a word, [BOS] ... [EOS], cut and padded to `CONTEXT_LENGTH` with id 0.

    Case, punctuation and contractions ("isn't" is "is not") make no difference. As with every
    tokenizer of transformers, a call needs `padding="max_length", truncation=True`.
    """
    known = {word: i for i, word in enumerate((*SPECIAL_TOKENS, *vocabulary()))}
    tokenizer = Tokenizer(models.WordLevel(known, unk_token=UNK))
    tokenizer.normalizer = _normalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A {EOS}", special_tokens=[(BOS, known[BOS]), (EOS, known[EOS])]
    )
    tokenizer.enable_truncation(CONTEXT_LENGTH)
    tokenizer.enable_padding(length=CONTEXT_LENGTH, pad_id=known[PAD], pad_token=PAD)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=CONTEXT_LENGTH,
        padding_side="right",
        truncation_side="right",
        pad_token=PAD,
        bos_token=BOS,
        eos_token=EOS,
        unk_token=UNK,
    )


def _normalizer() -> normalizers.Sequence:
    return normalizers.Sequence(
        [
            normalizers.NFKC(),
            normalizers.Lowercase(),
            normalizers.Replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"),
            normalizers.Replace(Regex(r"\bcan't\b"), "can not"),
            normalizers.Replace(Regex(r"\bwon't\b"), "will not"),
            normalizers.Replace(Regex(r"\bcannot\b"), "can not"),
            normalizers.Replace(Regex(r"n't\b"), " not"),
            normalizers.Replace(Regex(r"(?<=\w)'s\b"), " is"),
            normalizers.Replace(Regex(r"(?<=\w)'m\b"), " am"),
            normalizers.Replace(Regex(r"(?<=\w)'d\b"), " would"),
            normalizers.Replace(Regex(r"(?<=\w)'ll\b"), " will"),
            normalizers.Replace(Regex(r"(?<=\w)'ve\b"), " have"),
            normalizers.Replace(Regex(r"(?<=\w)'re\b"), " are"),
            normalizers.Replace(Regex(r"[^\w]+"), " "),
        ]
    )


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _strings(key) if isinstance(key, str) else ()
            yield from _strings(item)
    elif isinstance(value, Iterable):
        for item in value:
            yield from _strings(item)
