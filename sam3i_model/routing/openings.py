"""The patterns of what only asks: greetings, "could you find me", "when you can", "please"."""

from __future__ import annotations

import re

from sam3i_model.routing.narration import ARTICLE, FIND, NARRATION, VERB, YOU

WAY = r"""(?:go|drive|walk|move|navigate|turn|head|come|run|roll|steer|return|proceed|travel)
      \ (?:over\ |back\ |up\ )?(?:to|towards?|into|inside|through|across)
    | (?:take|bring|carry|put|place|move|deliver|drop|throw|set)\ (?:this|it|that|them|these|those)
      \ (?:away\ |over\ |back\ |down\ |up\ )?(?:to|in|into|inside|on|onto|at|by|near|next\ to|beside
      |behind|under)
    | wait\ for"""

_ASKS = f"(?=\\ (?:please|i|we|can|could|would|will|where|{FIND}|{VERB})\\b)"

FILLER = re.compile(
    rf"""(?:
      (?:(?:hey|hi|hello|ok|okay)\ (?!(?:i|we|you|it|he|she|they|there)\ )\w+{_ASKS}
      | please | kindly | now | then | just | ok | okay | so | also | quickly | carefully | um+
      | uh+ | er+m* | h+m+ | mm+ | ah+ | oh+ | hey | hi | hello | sorry | honestly | actually
      | basically | anyway | alright | wait(?!\ (?:at|by|for|in|near|next|on)\b) | and | but | quick
      | careful | ugh | ouch | no\ wait
      | excuse\ me | good\ (?:morning|afternoon|evening) | i\ mean | you\ know | thank\ you | thanks
      | or | cheers | br+ | first\ (?:of\ all|off) | to\ start\ with | by\ the\ way | for\ now
      | (?:hey|hi|hello|ok|okay|thanks)\ (?:robot|there|buddy|mate|everyone)
      | robot{_ASKS} | (?:next|first){_ASKS}
      | (?:right|well)(?=\ (?:so|then|now|ok|okay|i|we|the|can|could|where|let)\b)
      | yes | yeah | yep)\ )+""",
    re.VERBOSE,
)
CALLED = re.compile(
    rf"(?:please )?(?:{YOU} )?(?:go )?(?:{FIND}|{VERB})(?: up| down| out| off| on| for| at| to)?"
    rf" (?:me|us|{ARTICLE})\b"
)
"""What makes the word in front of it the name of who is asked: "pepper find the mug"."""
ASIDE = re.compile(
    r"(?:(?:please|morning|afternoon|evening|good|thanks|thank|you|so|much|a|lot|cheers|ta|quick"
    r"|careful|sorry|right|well|robot|look|listen|hurry|up|yes|no|rush|quickly|ok|okay|all|of|them"
    r"|excuse|me|hey|hi|hello|there|um+|uh+|er+m*|h+m+|now|mate|wait|if|possible|then|both"
    r"|immediately|slowly|carefully|again|be careful|let me know|have a look|sorry to \w+ you"
    r"|if you (?:would|could|can)|(?:will|would|could|can) you)(?: |$))+"
)

LEAD_IN = re.compile(
    rf"""(?:
      {NARRATION} | (?:i\ (?:think|believe|guess|reckon)\ )?(?:it|that)\ is(?=\ the\b)
    | i\ (?:think|believe|guess|reckon)(?=\ (?:the|a|there|we\ need|i\ need)\b)
    | (?:what\ is\ )?the\ (?:position|location|pose|mask|outline|contour|pixels
      |bounding\ box)\ of | (?:put|draw)\ an?\ (?:bounding\ )?box\ (?:around|on|over)
    | (?:search|scan|check|inspect|examine)\ (?:the|my|our|your|this|that)\ \w+(?:\ \w+)?\ for
    | be\ (?:so\ )?\w+\ (?:as|enough)\ to | (?:can|could)\ you\ do\ (?:me|us)\ a\ favou?r\ and
    | do\ you\ think\ (?:you|we)\ (?:can|could) | i\ wonder\ if\ (?:you|we)\ (?:can|could|might)
    | (?:why\ do\ not|how\ about)\ (?:you|we)(?=\ (?:please\ )?(?:{FIND}|{VERB})\b)
    | shall\ (?:we|i)(?=\ (?:{FIND}|{VERB})\b) | (?:might|may)\ you
    | you\ (?:could|would|might)(?:\ not)?(?=\ (?:please\ )?(?:{FIND}|{VERB})\b)
    | (?:direct|take|lead|guide|walk)\ (?:me|us)\ to | should\ you\ (?:find|see|spot)
    | (?:would|do)\ you\ mind\ \w+ing(?:\ (?:me|us|up|out|at|for))? | {YOU}(?:\ see)?
    | (?:i\ was\ )?(?:wondering|wonder)\ (?:if|whether)\ (?:you\ could|there\ (?:is|are))
    | would\ it\ be\ (?:at\ all\ )?possible\ to(?=\ (?:{FIND}|have|get|see|borrow)\b)
    | (?:any\ idea|do\ you\ know|(?:does\ )?(?:anyone|anybody)\ know)\ (?:where(?:\ is|\ are)?
      |(?:if|whether)(?=\ (?:there|you|we|they)\ ))
    | any\ chance\ (?:of|you\ (?:could|can)) | make\ it(?=\ the\ )
    | (?:keep|continue|start)\ (?:tracking|following|watching|monitoring|filming|looking\ at)
    | give\ (?:the|my|our|this|that|his|her|every)(?:\ \w+)+?(?=\ (?:a|an|some|another)\b)
    | (?:a|the)\ list\ of(?=\ (?:all|every|the)\b)
    | help\ me(?:\ to)?(?=\ (?:{FIND}|pick|get|grab|take)\b)
    | help\ (?:us|him|her|them|(?:the|my|our|this|that|a)\ \w+)(?:\ to)?
      (?=\ (?:{FIND}|choose|pick|reach)\b)
    | (?:can|could|would|will)\ (?:\w+\ ){{1,2}}(?:bring|fetch|send|hand|pass|lend|find|show)
      (?:\ (?:up|down|over|out|me|us|him|her|them)){{0,2}}(?=\ (?:{ARTICLE})\b)
    | go(?=\ (?:get|grab|pick|take|look\ for|{FIND})\b) | (?:try|trying)\ to
    | go\ ahead\ and | try\ and
    | (?:go|come|run|pop|head|have\ a\ look|take\ a\ look|look)(?:\ (?:round|around|over|there))*
      \ (?:and|to\ see)(?=\ (?:flag|tell|see|check|count|{FIND}|{VERB})\b)
    | (?:have|take)\ (?:a|another)\ (?:good\ |quick\ )?look\ (?:at|for|around\ for|round\ for)
    | keep\ (?:an\ eye|your\ eyes?)(?:\ (?:out|open|peeled))*\ (?:on|for) | keep\ watch\ (?:on|for)
    | (?:flag|call|mark|light|show)\ up(?=\ ) | make\ a\ note\ of
    | be\ (?:\w+\ ){{1,3}}and(?=\ (?:{FIND}|{VERB})\b)
    | (?:keep|stay|steer)\ (?:clear|away)\ (?:of|from)
    | (?:tell|show|let)\ (?:me\ |us\ )?(?:know\ )?(?:if|whether)
    | (?:check|see|know)\ (?:if|whether|where)(?=\ (?:there|you|any|we|the)\b)
    | (?:(?:report|beep|stop|say\ so|let\ me\ know|tell\ me)(?:\ back)?\ )?
      (?:if|when|once|whenever)\ you\ (?:can\ )?(?:see|find|spot|reach) | if\ there\ (?:is|are)
    | you\ (?:can\ |could\ |will\ )?see
    | let\ us(?=\ (?:{FIND}|{VERB})\b) | (?:let\ us\ )?start\ (?:off\ )?with(?=\ the\ )
    | let\ me\ (?:have|see)
    | (?:can|could|may|might)\ (?:i|we)\ (?:please\ )?(?:have|get|borrow|see|use|take
      |trouble\ you\ for)
    | (?:i|we)\ (?:would|should)\ (?:be(?:\ \w+){{1,3}}|appreciate\ it)\ if(?=\ you\ )
    | would\ you\ be\ (?:so\ )?\w+\ (?:as|enough)\ to
    | (?:do|did|would)\ (?:you|we)\ (?:see|have|own|stock)
    | (?:do\ (?:you|we|they)\ )?(?:have|has|had)\ (?:you|we|they)?(?:\ not)?\ ?got
    | (?:have|has)\ (?:you|we|anyone|anybody|someone)\ seen
    | (?:have|got|seen|anyone\ seen|anybody\ seen|spotted)(?=\ (?:any|a|an|anything|my|the)\b)
    | have\ (?:you|we)(?=\ (?:any|a|an|anything|something|some)\b)
    | (?:does|has)\ (?:anyone|anybody|someone)\ (?:have|seen|see|got)
    | here\ (?:is|are)(?=\ (?:the|a|an|my|your|our)\ )
    | there\ (?:is|are|was|were)(?!.*\ (?:all\ over|everywhere|coming|pouring)\b)
    | there\ (?:should\ be|ought\ to\ be|must\ be|might\ be|may\ be)
    | (?:is|are)\ (?:not\ )?there | how\ many | how\ about | what\ about
    | what\ is\ (?:the\ (?:deal|matter|problem|story|status)|up|wrong)\ with
      (?=\ (?:the|my|our|your|this|that)\ )
    | (?:tell|show)\ (?:me\ |us\ )?where(?!\ (?:i|we|they|you|he|she|to|can)\b)
    | do(?=\ the\ \w+$) | (?:check|find\ out|know|see)(?=\ where\ )
    | where\ (?:on\ earth\ )?(?:is|are|was|were
      |(?:can|could|would|might|do)\ (?:i|we)\ (?:find|get|see)
      |(?:(?:do|did|does|have)\ )?(?:you|we|i|they|he|she)\ (?:see|keep|kept|put|leave|left
      |store|hide|have|get)|has\ (?:he|she|someone)\ put)
    | (?:{FIND})(?:\ me|\ us|\ out|\ him|\ her|\ over(?=\ (?:{ARTICLE})\b))?
    | (?:show|give|hand|pass|get|take|tell|grab|pick|lend)\ (?:me|us|him|her|them)
      (?!\ a\ hand\b)(?:\ about)?
    | (?:pick|lift|clean|hold|wipe|tidy|gather)\ up | (?:pick|point|single|seek|take)\ out
    | point\ (?:at|to) | zoom\ in\ on
    | (?:look|search|reach|watch\ out|watch|head|go|ask|check|hunt|scan|look\ out)\ for
    | look\ at | hand\ over | focus\ on | put\ (?:away|down|back) | beware\ of | mind(?=\ the\b)
    | {WAY}
    | (?:turn|switch|take|put)\ (?:on|off)(?=\ (?:the|a|an|this|that|my|all|both)\b)
    | (?:throw|take)\ (?:away|out) | get\ rid\ of | let\ go\ of | move\ away | stay\ with
    | (?!put\ out)(?:{VERB}|use|using|count|avoid|mind)(?:\ (?:up|down|out|off|away|back))?
      (?=\ (?:{ARTICLE})\b)
    | all\ of(?=\ the\b)
    )\ """,
    re.VERBOSE,
)
ON_THE_WAY = re.compile(rf"(?:{FILLER.pattern})?(?:{WAY})\ ", re.VERBOSE)
TAIL = re.compile(
    r" (?:please|now|later|tomorrow|thanks|thank you|cheers|for me|for us|right now|is|are"
    r"|are there|is located"
    r"|here|again|slowly|quickly|carefully|in view|in sight|with your (?:gripper|arm|hand)"
    r"|(?:when|once|as soon as|whenever) you (?:\w+ ){0,3}\w+|around here|round here|in here|nearby"
    r"|around|about"
    r"|is (?:what (?:i|we|you|the \w+) (?:want|need|mean)s?|(?:the|my|our|your) (?:target|goal))"
    r"|(?:will|would) (?:do|be (?:fine|lovely|great|nice|good|perfect|ok|okay|ideal|welcome))"
    r"|lying around|handy|available|on hand"
    r"|if (?:possible|you (?:can|could|would|do not mind|have time|get a chance|are free))"
    r"|(?:do|can|could|will|would) you(?: see| please)?|(?:that )?you (?:can )?(?:see"
    r"|find|count|spot)|asap|mate|anywhere"
    r"|(?:back )?where (?:it|they) belongs?|out of the way"
    r"|as soon as possible|immediately|(?:visible )?(?:in|from)"
    r" (?:the|this|that|your|my) (?:room|(?:(?:rgb|depth|colou?r|camera|input|current|given|whole"
    r"|entire|attached|provided|present|following|same|full|video) )?"
    r"(?:image|picture|scene|photo|frame|view|field of view)))$"
)
REASON = re.compile(
    r" (?:before|because|so that|so|since|in case|until|till|while)"
    r" (?:i|we|he|she|they|it|you|someone|somebody|anyone|anybody|everyone|nobody) .*$"
    r"| and (?:tell|let|warn|notify|alert) (?:me|us)\b.*$"
)
