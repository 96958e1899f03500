"""The words by which a level is picked: closed classes of English, no list of things."""

from __future__ import annotations

import re


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


DEFINITE = _set("the this that these those my your our his her its their which")
INDEFINITE = _set("a an another")
EACH = _set("all every each any some no several many few most")
NUMBERS = _set("two three four five six seven eight nine ten 2 3 4 5 6 7 8 9 10 couple dozen")
DETERMINERS = DEFINITE | INDEFINITE | EACH | NUMBERS | _set("both one 1")

PRONOUN_HEADS = _set("something anything everything nothing somewhere whatever stuff")
NOUN_HEADS = _set(
    "thing things object objects item items one ones tool tools utensil utensils device devices"
    " gadget gadgets equipment instrument instruments implement product products"
)
"""Nouns that name no kind: with a purpose they leave the target to be worked out."""

PREPOSITIONS = _set(
    "on in at under above below behind between beside besides near next inside outside from to with"
    " by around against over beneath underneath onto into across along alongside among off opposite"
    " within toward towards upon past before after beyond amid adjacent for through atop as than"
)
RELATIVES = _set("that which who whose whom where")
BE = _set("is are was were be being been am")
MODALS = _set("could should would will must might may shall cannot")
PEOPLE = _set("i you we they he she someone somebody anyone people humans kids children robots")
STATE_VERBS = BE | _set(
    "has have had lies lie stands stand sits sit rests rest looks look hangs hang leans lean"
    " touches touch faces face points point seems seem appears appear not does do did got fell"
    " contains contain shows show overlaps reaches moves"
)
PURPOSE = _set(
    "used useful needed need needs meant suitable suited intended designed able good safe unsafe"
    " dangerous required necessary handy best help helps lets allows makes serves prevents protects"
    " keeps blocking blocks usable fit appropriate likely supposed enough belong belongs"
)
NEGATIONS = _set("not without except excluding nor neither non but instead")
ORDINALS = _set("first second third fourth fifth sixth last penultimate 1st 2nd 3rd 4th 5th")
COMPARATIVES = _set(
    "bigger smaller larger taller shorter closer nearer farther further higher lower wider narrower"
    " thicker thinner darker brighter heavier longer older newer fuller cleaner dirtier greener"
    " redder bluer emptier same other remaining more less least"
)
_SUPERLATIVE = re.compile(r"\w{2,}(?:est|most)$")
_NOT_SUPERLATIVE = _set(
    "forest nest chest vest test west guest pest harvest request interest priest quest breast crest"
    " rest arrest contest protest conquest zest jest digest manifest almost compost modest honest"
    " lamppost most bedpost signpost latest headrest armrest footrest backrest wrist-rest"
)
PLACES = _set("front back top bottom middle center centre upper lower rear central inner outer")
SIDES = _set("left right leftmost rightmost left-hand right-hand")
PARTICIPLES = _set(
    "standing lying sitting leaning hanging facing pointing resting moving running walking looking"
    " talking riding sticking turned tipped fallen stacked placed located positioned upside upright"
    " attached connected filled covered wrapped painted closest nearest"
)
TRANSITIVE = _set("wearing holding carrying containing facing touching belonging missing showing")

ADJECTIVES = _set(
    "red orange yellow green blue purple violet pink brown white gray grey black golden gold silver"
    " beige teal cyan magenta turquoise maroon navy tan cream dark light bright pale"
    " big small large little tall short long wide narrow thick thin tiny huge giant high low mini"
    " round square rectangular circular flat curved straight oval hollow cylindrical conical"
    " wooden plastic metal steel glass paper leather ceramic rubber metallic golden woolen cotton"
    " open closed empty full broken new old clean dirty wet dry hot cold warm heavy soft hard sharp"
    " blunt loose ripe rotten fresh transparent clear opaque shiny dull matte rusty dusty sticky"
    " fluffy fuzzy smooth rough striped dotted spotted checkered upright single double half only"
    " whole dead front back top bottom middle center centre upper rear central left right inner"
    " outer far near similar different identical unlit lit sleeping standing lying broken fallen"
)
_ADJECTIVE_FORM = re.compile(
    r"\w{2,}(?:ed|ish|less|ful|able|ible|ous|-shaped|-colored|-coloured|-sized)$|\w+-ing$"
)
_NOT_ADJECTIVE = _set(
    "table cable vegetable bed seed shed sled weed feed reed speed breed steed crucible portable"
    " dish fish brush rubbish radish polish parish mouthful handful spoonful embed bible bus"
)

ALWAYS_PLURAL = _set(
    "scissors pliers tweezers pants trousers shorts jeans tongs goggles headphones binoculars"
    " shears sunglasses earphones snips calipers glasses series stairs headquarters earbuds"
)
"""Plural in form, one thing all the same."""
_IRREGULAR_PLURAL = _set("people men women children feet teeth mice geese dice ones")
_NOT_PLURAL = _set("gas lens bus canvas plus chaos atlas iris pancreas christmas compass")

VERBS = _set(
    "grab grasp take get pick lift hold hand pass bring carry move put place push pull touch press"
    " open close turn switch select choose mark mask outline track spot show see watch count label"
    " point clean wipe wash collect remove clear drop throw cut pour fill empty shake stack sort"
    " check inspect use return follow approach avoid deliver store tidy catch grip insert plug"
    " unplug draw describe tap keep leave reach rotate slide scan reset refill water unload load"
    " look walk drive go search give show tell zoom focus"
)
"""Stripped where an article follows, as most of them are nouns too."""


def is_superlative(word: str) -> bool:
    return bool(_SUPERLATIVE.match(word)) and word not in _NOT_SUPERLATIVE


def is_adjective(word: str) -> bool:
    """Whether `word` in front of a noun tells it from others of its kind."""
    return word in ADJECTIVES or (bool(_ADJECTIVE_FORM.match(word)) and word not in _NOT_ADJECTIVE)


def is_plural(word: str) -> bool:
    if word in _IRREGULAR_PLURAL:
        return True
    if word in ALWAYS_PLURAL or word in _NOT_PLURAL:
        return False
    return word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 2
