"""What of a part of a sentence only asks: greetings, "could you find me", "when you can"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sam3i_model.routing import words as w
from sam3i_model.routing.names import is_name
from sam3i_model.routing.phrases import noun_phrase
from sam3i_model.routing.verbs import has_gap, has_main_verb, qualifies

FIND = (
    "find|locate|segment|highlight|detect|identify|fetch|bring|retrieve|localize|recogni[sz]e|see"
    "|spot|seek|circle"
)
VERB = "|".join(sorted(w.VERBS))
ARTICLE = "|".join(
    sorted(w.DETERMINERS - {"whichever", "which", "no"} | w.PRONOUN_HEADS | {"whichever"})
)
YOU = r"(?:can|could|would|will)(?:\ not)?\ (?:you|u|someone|somebody|anyone|anybody)(?:\ not)?"

_AIM = r".*\ to\ (?:be|stay|keep|stop|go|come|remain|start|fit|last|look|work)\b"

_DONE = r"""(?!.*\ (?:that|which|who)\ )
      .*\ (?:on|off|open|shut|up|down|out|away|back|clean|\w{2,}[^e]ed)$"""
"""What is wanted to be done to a thing: "(he wants) the lights off"."""

_WAY = r"""(?:go|drive|walk|move|navigate|turn|head|come|run|roll|steer)\ (?:over\ |back\ )?
      (?:to|towards?)
    | (?:take|bring|carry|put|place|move|deliver|drop|throw|set)\ (?:this|it|that|them|these|those)
      \ (?:away\ |over\ |back\ |down\ |up\ )?(?:to|in|into|on|onto|at|by)"""

_FILLER = re.compile(
    r"""(?:
      (?:please | kindly | now | then | just | ok | okay | so | also | quickly | carefully | um+
      | uh+ | er+m* | h+m+ | mm+ | ah+ | oh+ | hey | hi | hello | sorry | honestly | actually
      | basically | anyway | alright | wait | and | but | quick | careful | ugh | ouch | no\ wait
      | excuse\ me | good\ (?:morning|afternoon|evening) | i\ mean | you\ know | thank\ you | thanks
      | or | cheers | br+ | first\ (?:of\ all|off) | to\ start\ with | by\ the\ way | for\ now
      | (?:hey|hi|hello|ok|okay|thanks)\ (?:robot|there|buddy|mate|everyone)
      | robot(?=\ (?:please|can|could|would|will|where|"""
    + f"{FIND}|{VERB}"
    + r""")\b)
      | (?:right|well)(?=\ (?:so|then|now|ok|okay|i|we|the|can|could|where|let)\b)
      | (?:next|first)(?=\ (?:please|can|could|"""
    + f"{FIND}|{VERB}"
    + r""")\b)
      | yes | yeah | yep)\ )+""",
    re.VERBOSE,
)
_ASIDE = re.compile(
    r"(?:(?:please|morning|afternoon|evening|good|thanks|thank|you|so|much|a|lot|cheers|ta|quick"
    r"|careful|sorry|right|well|robot|look|listen|hurry|up|yes|no|rush|quickly|ok|okay|all|of|them"
    r"|excuse|me|hey|hi|hello|there|um+|uh+|er+m*|h+m+|now|mate|wait|if|possible|then|both"
    r"|immediately|slowly|carefully|again)(?: |$))+"
)

_LEAD_IN = re.compile(
    rf"""(?:
      my\ target\ is | (?:i\ (?:think|believe|guess|reckon)\ )?(?:it|that)\ is(?=\ the\b)
    | i\ (?:think|believe|guess|reckon)(?=\ (?:the|a|there)\b)
    | (?:what|the\ \w+)\ (?:that\ )?i\ (?:want|need|mean|am\ (?:after|looking\ for))\ is
    | (?:what\ is\ )?the\ (?:position|location|pose|mask|outline|contour|pixels)\ of
    | (?:would|do)\ you\ mind\ \w+ing(?:\ (?:me|us|up|out|at|for))? | {YOU}(?:\ see)?
    | (?:i\ was\ )?(?:wondering|wonder)\ (?:if|whether)\ (?:you\ could|there\ (?:is|are))
    | (?:i|we)\ (?:want|need|would\ (?:like|love|prefer))\ you\ to
    | you\ (?:should|must|need\ to|have\ to|can|could)
    | (?:i|we)\ (?:want|need|would\ like|have|am\ trying|are\ trying)\ to
      (?=\ (?:{FIND}|have|pick\ up|get\ hold\ of|borrow|know\ where|count|inspect)\b)
    | (?:i|we)\ (?:want|need|would\ like|have)\ to(?=\ (?:get|grab|take|pick)\ (?:{ARTICLE})\b
      (?!.*\ (?:onto|into|out|off|up|down|across|past|over|through|to)\b))
    | (?:the\ )?robot\ (?:should|must|can|could|needs\ to|has\ to)
    | (?:(?:for|in|on|at|to|during|after)\ [\w\ ]+\ )?(?:i|we)\ (?:just\ |really\ |only\ )?
      (?:(?:will\ )?(?:want|need)|would\ like|see|mean|meant|could\ use|require)
      (?!\ to\b)(?!{_AIM})
    | (?:he|she|they|you|(?:the|my|our)\ \w+)\ (?:will\ )?(?:wants?|needs?|wanted|needed|would\ like
      |means?|meant|asks?\ for|asked\ for)(?=\ the\b)(?!{_AIM})(?!{_DONE})
    | would\ it\ be\ possible\ to(?=\ (?:{FIND}|have|get|see|borrow)\b)
    | (?:any\ idea|do\ you\ know|does\ (?:anyone|anybody)\ know)\ where(?:\ is|\ are)?
    | (?:i|we)\ (?:am|are)\ (?:looking|searching|hunting)\ for | (?:i|we)\ (?:am|are)\ after
    | (?:i|we)\ (?:cannot|could\ not)\ (?:find|see)
      (?!\ (?:a\ thing|anything|if|how)\b) | (?:i|we)\ (?:have\ )?lost(?=\ (?:{ARTICLE})\b)
    | (?:need|want|wanted|needed)(?=\ (?:{ARTICLE})\b)(?!{_AIM})
    | (?:keep|continue|start)\ (?:tracking|following|watching|monitoring|filming|looking\ at)
    | give\ (?:the|my|our|this|that|his|her|every)(?:\ \w+)+?(?=\ (?:a|an|some|another)\b)
    | (?:a|the)\ list\ of(?=\ (?:all|every|the)\b)
    | (?:help\ me|help\ me\ to)(?=\ (?:{FIND}|pick|get|grab|take)\b)
    | (?:looking|searching|hunting)\ for | (?:try|trying)\ to | go\ ahead\ and | try\ and
    | (?:go|come|run|pop|head|have\ a\ look|take\ a\ look|look)(?:\ (?:round|around|over|there))*
      \ (?:and|to\ see)(?=\ (?:flag|tell|see|check|count|{FIND}|{VERB})\b)
    | (?:have|take)\ (?:a|another)\ (?:good\ |quick\ )?look\ (?:at|for|around\ for|round\ for)
    | keep\ (?:an\ eye|your\ eyes?)(?:\ (?:out|open|peeled))*\ (?:on|for) | keep\ watch\ (?:on|for)
    | (?:flag|call|mark|light|show)\ up(?=\ ) | make\ a\ note\ of
    | be\ (?:\w+\ ){{1,3}}and(?=\ (?:{FIND}|{VERB})\b)
    | keep\ (?:clear|away)\ (?:of|from) | stay\ (?:clear|away)\ (?:of|from)
    | stop(?=\ (?:beside|at|by|near|next|in|behind|under|on)\b)
    | (?:tell|show|let)\ (?:me\ |us\ )?(?:know\ )?(?:if|whether)
    | (?:check|see|know)\ (?:if|whether|where)(?=\ (?:there|you|any|we|the)\b)
    | (?:if|when|once|whenever)\ you\ (?:can\ )?(?:see|find|spot) | if\ there\ (?:is|are)
    | you\ (?:can\ |could\ )?see
    | let\ us(?=\ (?:{FIND}|{VERB})\b) | let\ me\ (?:have|see)
    | (?:can|could|may|might)\ (?:i|we)\ (?:have|get|borrow|see|use|take)
    | (?:do|did)\ (?:you|we)\ (?:see|have|own|stock)
    | (?:do\ (?:you|we|they)\ )?(?:have|has|had)\ (?:you|we|they)?(?:\ not)?\ ?got
    | (?:have|has)\ (?:you|we|anyone|anybody|someone)\ seen
    | (?:have|got|seen|anyone\ seen|anybody\ seen|spotted)(?=\ (?:any|a|an|anything|my|the)\b)
    | have\ (?:you|we)(?=\ (?:any|a|an|anything|something|some)\b)
    | (?:does|has)\ (?:anyone|anybody|someone)\ (?:have|seen|see|got)
    | there\ (?:is|are|was|were|should\ be|ought\ to\ be|must\ be|might\ be|may\ be)
    | (?:is|are)\ (?:not\ )?there | how\ many | how\ about | what\ about
    | (?:tell|show)\ (?:me\ |us\ )?where(?!\ (?:i|we|to|can)\b)
    | where\ (?:on\ earth\ )?(?:is|are|was|were
      |(?:can|could|would|might|do)\ (?:i|we)\ (?:find|get|see)
      |(?:do|did|does|have)\ (?:you|we|i|they|he|she)\ (?:see|keep|kept|put|leave|left|store|hide
      |have|get)|has\ (?:he|she|someone)\ put)
    | (?:{FIND})(?:\ me|\ us|\ out|\ him|\ her)?
    | (?:show|give|hand|pass|get|take|tell|grab|pick|lend)\ (?:me|us|him|her|them)
      (?!\ a\ hand\b)(?:\ about)?
    | (?:pick|lift|clean|hold|wipe|tidy|gather)\ up | (?:pick|point|single|seek|take)\ out
    | point\ (?:at|to) | zoom\ in\ on
    | (?:look|search|reach|watch\ out|watch|head|go|ask|check|hunt|scan|look\ out)\ for
    | look\ at | hand\ over | focus\ on | put\ (?:away|down|back) | beware\ of | mind(?=\ the\b)
    | {_WAY}
    | (?:turn|switch|take|put)\ (?:on|off)(?=\ (?:the|a|an|this|that|my|all|both)\b)
    | (?:throw|take)\ (?:away|out) | get\ rid\ of | let\ go\ of | move\ away | stay\ with
    | (?:{VERB}|use|using|count|avoid|mind)(?=\ (?:{ARTICLE})\b)
    | all\ of(?=\ the\b)
    )\ """,
    re.VERBOSE,
)
_ON_THE_WAY = re.compile(rf"(?:{_FILLER.pattern})?(?:{_WAY})\ ", re.VERBOSE)
_TAIL = re.compile(
    r" (?:please|now|thanks|thank you|cheers|for me|for us|right now|is|are|are there|is located"
    r"|here|again|slowly|quickly|carefully|in view|in sight|with your (?:gripper|arm|hand)"
    r"|(?:when|once|as soon as|whenever) you (?:\w+ ){0,3}\w+|around here|round here|in here|nearby"
    r"|around|about"
    r"|lying around|handy|available|on hand"
    r"|if (?:possible|you (?:can|could|would|do not mind|have time|get a chance|are free))"
    r"|(?:do|can|could|will|would) you(?: see| please)?|(?:that )?you (?:can )?(?:see"
    r"|find|count|spot)|asap|mate|anywhere"
    r"|as soon as possible|immediately|(?:in|from) (?:the|this|that) (?:camera )?"
    r"(?:image|picture|scene|photo|frame|view|room))$"
)
_REASON = re.compile(
    r" (?:before|because|so that|so|since|in case|until|till|while)"
    r" (?:i|we|he|she|they|it|you|someone|somebody|anyone|anybody|everyone|nobody) .*$"
)
_NOTHING = w.word_set(
    "it them they this that these those one some me us you him her he she on off up down away back"
    " in out over here there is are again and know now both all any"
)
_PARTICLES = w.word_set("on off up down out in away back over")
_HOW = w.word_set("together twice first")
_BEFORE_OBJECTS = w.POSSESSIVE | w.word_set("the a an every each both")
_DONE_TO = w.word_set("stop warm cool dry heat fix")
_UNSEEN = w.word_set("room house air leak problem music thirst hunger headache")
"""What is seldom to be found where something is to be done to it: "warm the room"."""
_PARTICIPLE = re.compile(r"\w*[aeiouy]\w*ing|\w*[^e]ed")
_NO_IMPERATIVES = (
    (w.PREPOSITIONS | w.OPENERS | w.CONJUNCTIONS | w.DETERMINERS | w.FINITE | w.FINITE_PLURAL)
    | (w.NEGATIONS | w.PEOPLE | w.AUXILIARIES | w.ADVERBS | w.PRONOUN_HEADS | w.ORDINALS)
    | (w.AIMS | w.YEARNING | w.FEELINGS | w.GAPS | w.CUT_LIKE | {"it", "of"})
)


def without_request(words: Sequence[str]) -> tuple[list[str], bool]:
    """What is left when fillers and requests are taken away, and whether a request was there."""
    text = " ".join(words)
    if _ASIDE.fullmatch(text):
        return [], False
    text, requested = after_request(text)
    while text != (shorter := _TAIL.sub("", text)):
        text = shorter
    if requested:
        text = _REASON.sub("", text)
    left = text.split()
    if requested and _ends_in_manner(left):
        left = left[:-1]
    pointed = left[1:2] in (["it"], ["them"]) or _NOTHING.issuperset(left[1:])
    if len(left) > 1 and left[0] in w.VERBS and pointed:
        return [], True
    return ([] if _NOTHING.issuperset(left) else left), requested


def after_request(text: str) -> tuple[str, bool]:
    """What follows the fillers and requests at the start, and whether a request was there."""
    requested = False
    while text:
        if filler := _FILLER.match(f"{text} "):
            text = text[filler.end() :]
            continue
        rest = _asked_for(text)
        if not rest:
            break
        text, requested = rest, True
    return text, requested


def _ends_in_manner(left: Sequence[str]) -> bool:
    """Whether the last word tells of the doing: "(turn) the lamp off", "the pages together"."""
    if left[-1:] and left[-1] in _PARTICLES:  # "the way out" is a name of its own
        return left[-2:-1] not in (["way"], ["ways"]) and noun_phrase(left) == left[:-1]
    if len(left) < 3 or qualifies(left[-2]):  # "the green jelly"
        return False
    return (left[-1] in _HOW or left[-1].endswith("ly")) and noun_phrase(left) == left


def is_way(words: Sequence[str]) -> bool:
    """Whether a part says where to go or where to put what another part names."""
    return bool(_ON_THE_WAY.match(" ".join(words)))


def _asked_for(text: str) -> str:
    """What a request that the text starts with asks for, or ""."""
    words = text.split()
    if start := _LEAD_IN.match(text):
        rest = text[start.end() :]
    else:
        rest = " ".join(words[1:]) if _is_imperative(words) else ""
    thing = rest.partition(" ")[0] in w.DETERMINERS - {"no"}
    return "" if is_name(words) and not thing else rest  # "press the ...", "push to ..."


def _is_imperative(words: Sequence[str]) -> bool:
    """Whether the first word is a verb, whatever verb, and the rest its object: "rinse the cup"."""
    first, rest = words[0], words[1:]
    if len(rest) < 2 or rest[rest[0] == "all"] not in _BEFORE_OBJECTS:
        return False
    if noun_phrase(rest)[-1] in _UNSEEN or _is_said_of(rest):
        return False
    if first in _DONE_TO:  # "stop the door from closing" tells more than its object
        aim = qualifies(rest[-1]) or (len(rest) > 2 and bool(_PARTICIPLE.fullmatch(rest[-1])))
        return rest[0] == "the" and noun_phrase(rest) == rest and not aim
    if first in _NO_IMPERATIVES or w.is_plural(first) or _PARTICIPLE.fullmatch(first):
        return False
    return not has_main_verb(rest) and not has_gap(["the", *words])


def _is_said_of(rest: Sequence[str]) -> bool:
    """Whether words are a noun and its verb, as in "box (that) the cat sleeps in"."""
    clause = rest[:-1] if rest[-1] in w.PREPOSITIONS else rest
    if len(clause) < 3 or not w.is_plural(clause[-1]):
        return False
    noun = clause[-2]
    return not (qualifies(noun) or noun.endswith("'s") or noun in w.DETERMINERS)
