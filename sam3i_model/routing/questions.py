"""Questions that name what they ask about: "where exactly is the mug", "is the stove on"."""

from __future__ import annotations

import re

from sam3i_model.routing import words as w
from sam3i_model.routing.narration import ARTICLE

_BE = "(?:is|are|was|were)"
_AT = "(?:in|on|at|around|near)"
_THING = rf"(?:{ARTICLE})\b"
_CERTAIN = "(?:" + "|".join(sorted(w.DEFINITE - {"which"})) + ")"

_PLACED = tuple(
    re.compile(pattern)
    for pattern in (
        rf"how (?:many|much) (.+?) {_BE}(?: there)?(?: left)?\b(.*)$",
        rf"where (?:exactly|else|\w+ly|{_AT} \w+(?: \w+)?) {_BE} (?={_THING})(.+)$",
        rf"where (?:might|could|can|would|may) (?={_THING})(.+) be(?: found| hiding)?$",
        rf"where (?:has|have) (?={_THING})(.+) (?:gone|been|disappeared|ended up|got to)$",
        rf"where did (?={_THING})(.+) go$",
        rf"where (?={_THING})(.+) (?:{_BE}|went|(?:might|could|may) be)$",
        rf"{_BE} ((?:any|some)(?:one|body|thing) .+)$",
        rf"{_BE} (?:this|that|it|these|those|they) (?={_THING})(.+)$",
    )
)
_STATED = re.compile(rf"(?:{_BE}|does|did|has|have) (?={_CERTAIN} \w+ )(.+)$")
_QUALITY = re.compile(r"(?<! and)(?<! the) ((?:\w+ed )?(\w+))$")
_SWITCHED = w.word_set("on off in out up down")


def asked_about(text: str) -> str:
    """What a question names with what it asks of it: "the stove on"; or ""."""
    for pattern in _PLACED:
        if found := pattern.match(text):
            return "".join(found.groups())
    found = _STATED.match(text)
    if not found:
        return ""
    last = _QUALITY.search(found[1])
    if last and (w.is_adjective(last[2]) or last[2] in _SWITCHED):
        return f"{found[1][: last.start()]} that is {last[1]}"
    return found[1].replace(" have ", " that has ", 1)
