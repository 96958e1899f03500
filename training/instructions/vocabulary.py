"""The words that the small model knows, and its word-level tokenizer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from training.instructions import lexicon, requests, templates

PAD, BOS, EOS, UNK = "[PAD]", "[BOS]", "[EOS]", "[UNK]"
SPECIAL_TOKENS: tuple[str, ...] = (PAD, BOS, EOS, UNK)
"""Their ids are 0 to 3. Padding is 0, as the text adapters of SAM3-I need it."""

_FIELD = re.compile(r"\{\w+\}")


def vocabulary() -> list[str]:
    """Every word of the grammar in a fixed order, without those it keeps unknown on purpose."""
    nouns = {noun for names in lexicon.NAMES.values() for noun in names} | set(lexicon.ANY_NOUNS)
    phrases: list[str] = [*nouns, *map(lexicon.plural, nouns), *lexicon.COLORS, *lexicon.ORDINALS]
    for words in (*lexicon.COLOR_WORDS.values(), *lexicon.NUMBERS.values()):
        phrases.extend(words)
    phrases.extend(_patterns())
    normalize = _normalizer().normalize_str
    spelled = (text.replace("{be}", "is are ").replace("{a}", "a an pair of") for text in phrases)
    return sorted({word for text in spelled for word in normalize(_FIELD.sub(" ", text)).split()})


def build_tokenizer(max_length: int = 32) -> PreTrainedTokenizerFast:
    """One token a word, [BOS] ... [EOS], cut and padded to `max_length` with id 0.

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
    tokenizer.enable_truncation(max_length)
    tokenizer.enable_padding(length=max_length, pad_id=known[PAD], pad_token=PAD)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=max_length,
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
            normalizers.Replace(Regex(r"n't\b"), " not"),
            normalizers.Replace(Regex(r"(?<=\w)'s\b"), " is"),
            normalizers.Replace(Regex(r"(?<=\w)'m\b"), " am"),
            normalizers.Replace(Regex(r"(?<=\w)'d\b"), " would"),
            normalizers.Replace(Regex(r"[^\w]+"), " "),
        ]
    )


def _patterns() -> Iterator[str]:
    for module in (templates, requests):
        for name, value in vars(module).items():
            if name.isupper():
                yield from _strings(value)


def _strings(value: str | Iterable[str] | dict[str, tuple[str, ...]]) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from item
    else:
        yield from value
