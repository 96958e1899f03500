"""A sentence as words: contractions, owners, misspellings and the parts between its commas."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sam3i_model.routing import words as w

_DETERMINER = "|".join(sorted(w.DETERMINERS))
_NO_ASIDE = "|".join(
    sorted(w.DETERMINERS | w.SUBJECTS | w.SUBORDINATORS | w.CONJUNCTIONS | {"please", "not"})
)
"""What doesn't tell of a thing what it is when it is put in brackets."""
_PLAIN = tuple(
    (re.compile(pattern), plain)
    for pattern, plain in (
        (r"[‘’`´]", "'"),  # noqa: RUF001
        (r"<([a-z]\w*)\b[^<>]*>([^<>]*)</\1>", r" \2 "),  # "<object>red mug</object>"
        (r"^\[[a-z]+\](?= \w)", " "),  # "[find] mug"
        (r"\b(?:um+|uh+|erm+)\b,? ", ""),
        (r'^\{ *"[\w ]+" *: *"([^"]*)" *\}$', r"\1"),
        (r"^(?!the )(\w+(?: \w+){0,2}) ?(?:=|[=-]>) ?\b", r"\1: "),  # "target = red mug"
        (r"""(?:^|(?<=: ))\w+\(["']?([^()"',=]{3,})["']?\)$""", r"\1"),  # "pick(red mug)"
        (r"(?:^|(?<=; ))\W{0,3}(?:(?:step|task|goal) )?\d{1,2}[.):]+ +", ""),  # "1. red mug"
        (r'(?<!\w)["“„«]([^"“”„«»]*)["“”»](?!\w)', r" \1 "),
        (r'(?<=\d)["″]', " inch"),
        (rf" [(\[](?!(?:{_NO_ASIDE})\b|\w+ly\b)(\w[^()\[\]]*)[)\]]", r" that is \1"),
        (r"(?<!\w)'em\b", "them"),
        (r" [&+] |(?<=\w\w)&(?=\w\w)", " and "),
        (r" / ", ", "),
        (rf"(?<!\bno), (?=not (?:{_DETERMINER})\b)", " "),  # "a red mug, not a blue one"
        (rf"\b(?:plus|as well as|along with|together with)(?= (?:{_DETERMINER})\b)", "and"),
        (r"\b(dr|mr|mrs|ms|prof|st|no|approx)\.", r"\1"),
        (r"(?<=s)'s\b|(?<=[aisu]s)'(?= \w)", "e's"),  # one owner: "Chris's", "Chris' mug"
        (r"(?<!\w)'([^']*)'(?!\w)", r" \1 "),
        (r"(?<!\w)'+|'+(?!\w)(?<!s')", " "),
        (r"(?<=\ws)'(?= \w)", "'s"),  # "the nurses' room"
        (r"\b(?:can|won|shan)'?t\b", "cannot"),
        (r"\b(do|does|did|is|are|was|were|has|have|had|could|should|would)n'?t\b", r"\1 not"),
        (r"n't\b", " not"),
        (
            r"\b(what|where|that|there|it|who|which|here|how|he|she|when|whatever|whoever|why"
            r"|something|everything|nothing|nobody|everybody|everyone)'s\b",
            r"\1 is",
        ),
        (r"\b(what|where|that|there|she|he|here)s\b", r"\1 is"),
        (r"\bwhere'd\b", "where did"),
        (r"(?<!the )\bwhereabouts\b(?! of)", "where"),
        (r"\blet'?s\b", "let us"),
        (r"\bwhere r\b", "where are"),
        (r"\bhappen to (?=have|know|see)", ""),
        (r"\bas soon as\b(?! possible)", "once"),
        (r"\b(i)m\b", r"\1 am"),
        (r"\b(i)ve\b", r"\1 have"),
        (r"\b(you|they)re\b", r"\1 are"),
        (r"'m\b", " am"),
        (r"'re\b", " are"),
        (r"'ll\b", " will"),
        (r"'d\b", " would"),
        (r"'ve\b", " have"),
        (r"\b(left|right)-hand-side\b", r"\1-hand side"),
        (r"\b(?:gonna)\b", "going to"),
        (r"\bwanna\b", "want to"),
        (r"\b(?:have )?(?:gotta|got to(?= \w))\b", "have to"),
        (r"\b(?:smth|sth)\b", "something"),
        (r"\b(?:pls|plz|plse|pleas)\b", "please"),
        (r"\bcould not (?=you|i\b|we\b)", "could "),
    )
)
_SIDE = "|".join(sorted(w.SIDES | w.PLACES | w.ORDINALS | {"far", "mid"}))
_COMPOUND_SIDE = re.compile(
    rf"(?<![\w-])(?:{_SIDE})(?:-(?:from|the|to|side|most|{_SIDE}))+(?![\w-])"
)
TOKEN = re.compile(r"\w+(?:[-'/.]\w+)*|[,;:.!?()\[\]\"…—–|]|\s-+(?=\s)")  # noqa: RUF001
WORD = re.compile(r"\w")

# Words that a level hangs on, so that a slip in them must not matter.
_WEIGHTY = (
    w.NOUN_HEADS | w.PRONOUN_HEADS | w.RELATIVES | w.MODALS | w.PEOPLE | w.NEGATIONS | w.EACH
) | w.word_set(
    "the please find locate show where what used using without left right find next behind between"
    " nearest closest leftmost rightmost need needs cannot whichever because highlight segment"
    " fetch bring"
)
_KNOWN = frozenset().union(
    *(value for value in vars(w).values() if isinstance(value, frozenset)),
    w.word_set(
        "tings thins spaces stuffy to form from there three ting wither thy closet closets roots"
        " paces sacks sued suing noting noes prat prats pease"
    ),
)
"""Words of their own, one letter from a weighty one."""


def _slips(word: str) -> Iterator[str]:
    """`word` with two letters swapped, one left out or one doubled."""
    for i in range(len(word) - 1):
        yield word[:i] + word[i + 1] + word[i] + word[i + 2 :]
    if len(word) > 5:
        for i in range(1, len(word) - 1):  # "robot" is no slip for "robots"
            yield word[:i] + word[i + 1 :]
            yield word[:i] + word[i] + word[i:]


MENDED = {
    slip: word
    for word in sorted(_WEIGHTY, reverse=True)
    if len(word) > 3 or word == "the"
    for slip in _slips(word)
    if slip not in _KNOWN
}


MOST_TOKENS = 80
"""Words and punctuation marks that are read; the model itself reads 32 tokens."""


def parts(text: str) -> list[list[str]]:
    """The words of each part of a cleaned text, parts being what stands between punctuation."""
    tokens = [MENDED.get(token, token) for token in TOKEN.findall(plain(text))[:MOST_TOKENS]]
    found: list[list[str]] = [[]]
    for i, token in enumerate(tokens):
        if WORD.match(token):
            found[-1].extend(_owner(token, tokens[i + 1 :]))
        elif token == ":" and len(found) == 1 and _is_label(found[0]) and tokens[i + 1 :]:
            found = [[]]  # "user: I'm hungry"
        elif not _lists_adjectives(found[-1], token, tokens[i + 1 : i + 2]):
            found.append([])
    return [part for part in found if part]


def plain(text: str) -> str:
    """Without contractions, code and markup."""
    for pattern, instead in _PLAIN:
        text = pattern.sub(instead, text)
    return _COMPOUND_SIDE.sub(_apart, text)


def _apart(side: re.Match[str]) -> str:
    """ "top-left" as "top left", "left-most" as "leftmost"."""
    return side[0].replace("-most", "most").replace("-", " ")


_ANNOUNCING = w.word_set("matches called named following find locate segment")


def _is_label(words: Sequence[str]) -> bool:
    """Whether words before a colon only say what comes: "target object", "step 2"."""
    if not words:  # the text begins with the colon
        return False
    told = (w.DETERMINERS - w.NUMBERS) | (w.PREPOSITIONS - {"to"}) | w.SUBJECTS
    named = words[words[0] in w.POSSESSIVE | {"the"} :]
    short = len(words) < 4 and told.isdisjoint(named) and words[0] not in w.VERBS
    unfinished = words[-1] in w.AUXILIARIES | w.DEFINITE | _ANNOUNCING  # "the object is"
    return len(words) == 1 or unfinished or short


def _lists_adjectives(before: Sequence[str], token: str, after: Sequence[str]) -> bool:
    """Whether a comma only parts adjectives: "the big, red box"."""
    adjectives = before and after and w.is_adjective(before[-1]) and w.is_adjective(after[0])
    return token == "," and bool(adjectives)


def _owner(token: str, after: Sequence[str]) -> list[str]:
    """ "dave's" as it is before what dave owns, as "dave is" before what he is or does."""
    if not token.endswith("'s") or len(token) < 3:
        return [token]
    first, second = (*after[:2], "", "")[:2]
    ends = not WORD.match(second) or second in w.PREPOSITIONS | w.ADVERBS | w.SUBORDINATORS
    if first in w.PREPOSITIONS | w.DETERMINERS | w.ADVERBS | {"not", "been", "got", "going"}:
        return [token[:-2], "is"]
    if first and (
        (w.is_adjective(first) and (ends or second == "and") and first not in w.SIDES | w.PLACES)
        or (first.endswith("ing") and (ends or second in w.DETERMINERS | w.SUBJECTS))
    ):
        return [token[:-2], "is"]
    return [token]
