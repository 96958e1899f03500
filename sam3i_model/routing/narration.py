"""Patterns of a thing told of rather than asked for: "I need", "the user wants", "picking up"."""

from __future__ import annotations

from sam3i_model.routing import words as w

FIND = (
    "find|locate|segment|highlight|detect|identify|fetch|bring|retrieve|localize|recogni[sz]e|see"
    "|spot|seek|circle|flag|indicate"
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

_A = f"(?=\\ (?:{ARTICLE})\\b)"
_MINE = "(?:the|my|your|our|his|her|their|this|that)"

_GET = rf"""(?:(?:go\ and\ |now\ |next\ |first\ )*(?:{FIND}|have|borrow|count|inspect|know\ where
      |pick\ up|get\ hold\ of|grasp|approach|(?:look|search|reach)\ for)\b
      | (?:get|grab|take|pick|collect){_A}(?!.*\ (?:onto|into|out|off|up|down|across|past|over
        |through|to)\b))"""
"""What says no more of a thing than that it is to be had: "pick up", not "cut"."""

_DOES = rf"""(?:now\ |next\ |first\ )?(?!cut\b)(?:{FIND}|{VERB}|grasp
      |\w+(?=\ (?:up|over|back|round)\ to\ ))
      (?:\ (?:up|down|out|off|on|over|round|to|for|at|into)){{0,2}}(?=\ {_MINE}\ )"""
"""What is done to a certain thing or on the way: "drive up to the sofa"; cutting takes a tool."""

_GETTING = rf"""(?:(?:find|locat|segment|detect|identify|fetch|bring|retriev|see|spott|seek|pick
      |lift|grasp|grabb|collect|approach|inspect|track|count)ing(?:\ up|\ out)?{_A}(?!\ \w+\ way\b)
      | (?:gett|tak)ing(?=\ {_MINE}\ )(?!.*\ (?:onto|into|out|off|up|down|to)\b)
      | (?:open|clos|shutt|press|push|pull|plac|gripp|insert|enter|reach)ing(?=\ {_MINE}\ )
      | (?:look|search|hunt|reach|ask)ing\ for | looking\ at{_A}
      | (?:go|driv|walk|mov|navigat|turn|head|roll|proceed)ing(?:\ (?:over|up|back|round|down|out))?
        \ (?:to|towards?|for){_A})"""

_WHO = r"(?:he|she|they|you|(?:the|my|our|your)\ \w+|(?!(?:it|th[ai][st]|what|which|who)\ )\w+)"
_PERSON = r"(?:he|she|they|you|(?:the|my|our)\ (?:user|person|customer|operator|man|woman))"
"""Of whom "needs a" tells of a wish: "the table needs a wash" is a situation."""

NARRATION = rf"""(?:
      (?:what|the\ \w+)\ (?:that\ )?(?:i|we|the\ \w+)\ (?:wants?|needs?|means?
      |am\ (?:after|looking\ for))
        (?:\ (?:here|now|next|first|today))?\ is
    | (?:{_MINE}\ )?(?:\w+\ )?(?:target|goal|object|item|thing)(?:\ (?:object|item|of\ interest
      |to\ \w+(?:\ up)?))?\ is{_A}
    | {_MINE}\ (?:\w+\ ){{1,2}}is\ to(?=\ (?:{_GET}|{_DOES}))
    | (?:i|we)\ (?:want|need|would\ (?:like|love|prefer))\ (?:you|the\ robot)\ to
    | you\ (?:should|must|need\ to|have\ to|can|could)
    | (?:i|we|(?:the\ )?robot)\ (?:want|need|would\ like|have|must|should
      |now|then|next|first|(?:was|were|have\ been)\ (?:told|asked)
      |(?:am|are|is)\ (?:now\ )?trying)(?:\ to)?(?=\ {_GET})
    | (?:(?:i|we|(?:the\ )?robot)\ )?(?:(?:am|are|is)\ )?(?:now\ )?
      (?:will|shall|(?:going|about)\ to)(?=\ (?:{_GET}|{_DOES}))
    | let\ (?:me|us)(?=\ (?:{_GET}|{_DOES})) | (?:it\ is\ )?time\ to(?=\ {_GET})
    | (?:i|we)\ (?:have\ )?(?:just\ |now\ |already\ )?(?:found|located|spotted|identified|reached
      |grasped|picked\ up)(?=\ the\ )
    | (?:(?:i|we)\ (?:am|are)\ )?on\ (?:my|our)\ way\ to{_A} | next\ (?:up\ )?is{_A}
    | i\ (?:was|am)\ hoping\ (?:for|you\ (?:could|can)|to\ (?:find|get|have))
    | (?:i|we)\ would\ (?:rather\ have|prefer){_A}(?!{_AIM})(?!{_DONE})
    | (?:i|we)(?=\ {_DOES})(?!.*\ (?:my|our|but|every|nothing)\ )
    | (?:the\ )?robot\ (?:should|must|can|could|needs\ to|has\ to)
    | (?:(?:i|we|(?:the\ )?robot)\ (?:am|are|is)\ )?(?:now\ |currently\ )?{_GETTING}
    | (?:(?:for|in|on|at|to|during|after)\ [\w\ ]+\ )?(?:i|we)\ (?:just\ |really\ |only\ )?
      (?:(?:will\ )?(?:want|need)|(?:would|should)\ (?:very\ much\ )?(?:like|love|not\ mind
      |appreciate(?!\ it\b))|(?:can\ )?see|mean|meant|said|require
      |could\ (?:use|do\ with(?!.*\ down$))|fancy|am\ after|are\ after)(?!\ to\b)(?!{_AIM})
    | {_WHO}\ (?:wants|needs|asked|told|would\ like)\ (?:me|us|you|the\ robot)\ to(?=\ {_GET})
    | {_WHO}\ (?:would\ like\ to\ have|(?:wants|needs|would\ like)\ to\ (?:find|borrow)){_A}
    | (?:{_WHO}\ (?:(?:will\ )?(?:wants?|wanted|would\ like|means?|meant){_A}
        |(?:asks?|asked|(?:is|are|keeps?|kept)\ (?:asking|looking))\ for
        |(?:is|are)\ after{_A})
      |{_WHO}\ (?:will\ )?need(?:s|ed)?(?=\ {_MINE}\ )|{_PERSON}\ (?:will\ )?need(?:s|ed)?{_A})
      (?!\ its\b)(?!{_AIM})(?!{_DONE})
    | (?:i|we)\ (?:cannot|could\ not|do\ not)\ (?:find|see)
      (?!\ (?:a\ thing|anything|if|how)\b) | (?:i|we)\ (?:have\ )?lost{_A}
    | (?:need|want|wanted|needed){_A}(?!{_AIM})
    )"""
