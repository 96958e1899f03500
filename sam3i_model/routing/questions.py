"""Questions that name what they ask about: "where exactly is the mug", "is the stove on"."""

from __future__ import annotations

import re

from sam3i_model.routing import words as w
from sam3i_model.routing.narration import ARTICLE

_BE = "(?:is|are|was|were)"
_AT = "(?:in|on|at|around|near)"
_THING = rf"(?:{ARTICLE})\b"
_HOUSE = "(?:shop|store|place|kitchen|room|lab|office|hotel|house|building)"
_PUT = "(?:left|put|kept|hidden|stored|hiding|parked|found)"
_CERTAIN = "(?:" + "|".join(sorted(w.DEFINITE - {"which"})) + ")"

_PLACED = tuple(
    re.compile(pattern)
    for pattern in (
        rf"how (?:many|much) (.+?) {_BE}(?: there)?(?: left)?\b(.*)$",
        rf"(?:how \w+|what (?:colou?r|size|shape|brand)) {_BE} (?={_CERTAIN} \w+)(.+)$",
        rf"where (?:exactly|else|\w+ly|{_AT} \w+(?: \w+)?) {_BE} (?={_THING})(.+)$",
        rf"where (?:might|could|can|would|may|does|do) (?={_THING})(.+) (?:be|live)(?: {_PUT})?$",
        rf"where (?:has|have|is|are) (?={_THING})(.+?) (?:gone|been(?: {_PUT})?|disappeared"
        rf"|ended up|got to|{_PUT})$",
        rf"where did (?={_THING})(.+) (?:go|end up|get to)$",
        rf"where (?={_THING})(.+) (?:{_BE}|went|(?:might|could|may) be)$",
        r"(.+) where (?:is|are) (?:it|they|that|those)$",
        rf"who (?:has |is )?(?:got|took|taken|borrowed|moved|stole|stolen) (?={_CERTAIN} )(.+)$",
        rf"(?:do|does|did|can) (?:{_CERTAIN} )?\w+ (?:see|spot|notice|detect) (?={_THING})(.+)$",
        rf"(?:do|does|did|has|have) {_CERTAIN} {_HOUSE} (?:have|got|sell|stock) (?={_THING})(.+)$",
        rf"{_BE} (?={_THING})(.+?) (?:(?:lying |hanging )?(?:around|about)|anywhere|somewhere)"
        rf"(?: (?:around|about|anywhere|somewhere|here|nearby|in here))*$",
        rf"{_BE} ((?:any|some)(?:one|body|thing) .+)$",
        rf"{_BE} (?:this|that|it|these|those|they) (?={_THING}|\w+'s )(.+)$",
    )
)
_STATED = re.compile(rf"(?:{_BE}|does|did|has|have) (?={_CERTAIN} \w+ )(.+)$")
_WHETHER = re.compile(
    rf"(?:check|see|verify|confirm|know|tell me|let me know|make sure) (?:if|whether|that)"
    rf" (?P<thing>{_CERTAIN} .+?) (?P<be>{_BE}) (?P<state>.+)$"
)
_QUALITY = re.compile(r"(?<! and)(?<! the) ((?:\w+ed )?(\w+))$")
_SWITCHED = w.word_set("on off in out up down")


def asked_about(text: str) -> str:
    """What a question names with what it asks of it: "the stove on"; or ""."""
    if clause := _WHETHER.match(text):
        text = f"{clause['be']} {clause['thing']} {clause['state']}"
    for pattern in _PLACED:
        if found := pattern.match(text):
            return "".join(found.groups())
    found = _STATED.match(text)
    if not found:
        return ""
    last = _QUALITY.search(found[1])
    if last and (w.is_adjective(last[2]) or last[2] in _SWITCHED):
        return f"{found[1][: last.start()]} that is {last[1]}"
    return re.sub(" (?:have|got) ", " that has ", found[1], count=1)
