"""The words by which a level is picked: classes of English words, no list of things."""

from __future__ import annotations

import re


def word_set(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


# Determiners and numbers
POSSESSIVE = word_set("my your our his her its their")
DEFINITE = POSSESSIVE | word_set("the this that these those which")
INDEFINITE = word_set("a an another")
EACH = word_set("all every each any some no several many few most whichever")
NUMBERS = word_set(
    "two three four five six seven eight nine ten 2 3 4 5 6 7 8 9 10 couple dozen eleven twelve"
    " thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty"
)
DETERMINERS = DEFINITE | INDEFINITE | EACH | NUMBERS | word_set("both one 1")
UNITS = word_set(
    "mm cm m km metre meter inch foot ft g kg gram kilo tonne ton lb pound oz ounce l ml cl litre"
    " liter gallon pint v volt w watt kw a amp ah mah hz gb tb degree percent hour minute day year"
    " way pin core"
)
"""After a number they tell of one thing: "the 5 mm key"."""

# Nouns that name no kind: with a purpose they leave the target to be worked out.
PRONOUN_HEADS = word_set(
    "something anything everything nothing nowhere somewhere anywhere someplace whatever stuff"
    " someone somebody anyone anybody everyone everybody whoever who"
)
PERSON_HEADS = word_set("someone somebody anyone anybody everyone everybody whoever who")
WIDE_HEADS = word_set(
    "thing things object objects item items tool tools utensil utensils device devices gadget"
    " gadgets equipment instrument instruments implement implements product products apparatus"
    " appliance appliances gear kit contraption gizmo thingy thingamajig material materials"
    " substance substances furniture clothing garment garments"
)
"""Those that one more noun in front makes no more telling: "lab equipment for ..."."""
NOUN_HEADS = WIDE_HEADS | word_set(
    "one ones container containers machine machines machinery place places spot vehicle vehicles"
    " surface vessel receptacle space bit part parts ingredient ingredients snack snacks"
)
ABSTRACT_HEADS = word_set(
    "protection relief shelter shade help assistance warmth way ways means method solution"
    " alternative replacement substitute support time room"
)
"""With a purpose or an aim after them, these stand for an unnamed thing."""
PROPERTIES = word_set(
    "fragile breakable unbreakable delicate edible inedible drinkable perishable flammable"
    " inflammable combustible explosive recyclable compostable reusable washable toxic poisonous"
    " hazardous harmful harmless dangerous unsafe valuable healthy unhealthy nutritious"
)
"""What a thing is good or bad for, seen only by who knows the thing: "the fragile items"."""
SORTS = word_set("piece pieces kind sort type bit item items form some any one ones all set")

# Verbs
BE = word_set("is are was were be being been am")
FINITE_BE = word_set("is are was were am")
MODALS = word_set("could should would will must might may shall cannot")
SUBJECTS = word_set("i we he she they you it")
PERSONS = word_set("people humans kids children robots")
PEOPLE = (SUBJECTS - {"it"} | PERSONS) | word_set(
    "someone somebody anyone anybody nobody everyone everybody"
)
AUXILIARIES = FINITE_BE | MODALS | word_set("has have had do does did can")
PRESENT = word_set(
    "needs wants keeps says goes gets seems feels smells tastes hurts aches itches bleeds stinks"
    " squeaks looks sounds makes takes comes gives thinks knows likes becomes happens refuses"
    " wobbles tends hates loves asks tells"
)
PAST = word_set(
    "fell got went came broke took gave said told ran ate drank threw knew wrote grew woke forgot"
    " became began kept swallowed vomited fainted collapsed asked spilled spilt tripped slipped"
    " happened"
)
INTRANSITIVE = word_set(
    "stopped died crashed exploded arrived disappeared vanished started failed escaped stalled"
    " fainted cracked snapped burst melted jammed leaked"
)
"""Finite at the end of a clause: "her heart stopped"."""
FINITE = FINITE_BE | MODALS | PRESENT | PAST | word_set("has have had does did")
"""Forms that need a subject and are seldom nouns."""
FINITE_PLURAL = word_set(
    "need want have keep hurt ache go get feel smell taste look seem sound know think say love"
)
"""Finite after a plural subject."""
POSITION_VERBS = word_set(
    "lies lie stands stand sits sit rests rest looks look hangs hang leans lean touches touch"
    " faces face points point seems seem appears appear got fell contains contain overlaps broke"
)
STATE_VERBS = (
    BE | POSITION_VERBS | word_set("has have had not does do did shows show reaches moves")
)
AIMS = word_set(
    "make makes keep let help stop protect prevent warm cool dry heat calm save heal fix"
)
"""Verbs whose object is seldom what is to be found: "stop the door from closing"."""
VERBS = word_set(
    "grab grasp take get pick lift hold hand pass bring carry move put place push pull touch press"
    " open close turn switch select choose mark mask outline track spot show see watch count label"
    " point clean wipe wash collect remove clear drop throw cut pour fill empty shake stack sort"
    " check inspect use return follow approach avoid deliver store tidy catch grip insert plug"
    " unplug draw describe tap leave reach rotate slide scan reset refill water unload load"
    " look walk drive go search give tell zoom focus fetch find shut borrow lend try note ignore"
)
"""Stripped where an article follows, as most of them are nouns too."""
COMPOUND_VERBS = word_set(
    "walk drive roll clip plug pull push drop stick pop fold slide snap screw sit stand step lean"
    " lift take build throw wash wipe add carry cut go grab hang keep lock log pass pay pick play"
    " press put ride run set shut start stop switch tear turn wear wind work strap flip tie bolt"
    " wrap break check blow rub lay spray peel"
)
COMPOUND_PARTICLES = word_set(
    "in on up off out down through over away behind along to back and under"
)
"""With one of the verbs in front they make names: "walk in freezer", "clip on light"."""

# Function words
PREPOSITIONS = word_set(
    "on in at under above below behind between beside besides near next inside outside from to with"
    " by around against over beneath underneath onto into across along alongside among off opposite"
    " within toward towards upon past before after beyond amid adjacent for through atop as than"
    " down up out round about until while because since like via per during"
)
RELATIVES = word_set("that which who whose whom where")
OPENERS = RELATIVES | word_set(
    "what when if because while since whether how why unless until than as whatever whichever"
)
"""Each of them takes one finite verb with it."""
SUBORDINATORS = word_set("when if once after before while because since as unless until although")
CONJUNCTIONS = word_set("and or but plus nor")
ADVERBS = word_set(
    "just still already always never now currently only really very too so also even almost nearly"
    " here there yet again soon badly completely totally often usually slightly quite rather"
    " probably definitely clearly constantly safely quickly easily ever partly half fully freshly"
    " most longer else instead actually suddenly simply anymore outside inside upstairs about"
)
YEARNING = word_set(
    "need want have got trying going hoping dying able unable ready supposed impossible struggling"
    " starting beginning time about like love hard"
)
"""With "to" after them and no subject before, they tell of a situation: "need to post this"."""
FEELINGS = word_set(
    "hungry thirsty tired cold hot freezing boiling dizzy bored sleepy exhausted starving late"
    " lost stuck sick afraid scared soaked"
)
CUT_LIKE = word_set("left cut hit hurt put lost made found")
"""Past forms that look like something else unless an object follows."""
GAPS = word_set(
    "using holding carrying wearing riding reading pushing pulling eating driving brought bought"
    " left lost forgot broke made chose wants wanted uses needs likes put took drew wrote built"
)
"""Verbs whose object is missing where they end a clause: "the cup my father is holding"."""
COMFORTS = word_set(
    "privacy rest peace comfort warmth help advice relief attention quiet fun noise pain smell"
)
"""What can be wished for, or wished away, but not seen."""
NEGATIONS = word_set("not without except excluding nor neither but instead minus")
PURPOSE = word_set(
    "used useful needed need needs meant suitable suited intended designed able good safe unsafe"
    " dangerous required necessary handy best help helps lets allows makes serves prevents protects"
    " keeps blocking blocks usable fit appropriate likely supposed enough belong belongs"
    " likeliest ideal perfect capable"
)
ORDINALS = word_set(
    "first second third fourth fifth sixth seventh eighth ninth tenth last penultimate"
    " 1st 2nd 3rd 4th 5th 6th 7th 8th 9th 10th"
)
COMPARATIVES = word_set(
    "bigger smaller larger taller shorter closer nearer farther further higher lower wider narrower"
    " thicker thinner darker brighter heavier longer older newer fuller cleaner dirtier greener"
    " redder bluer emptier same other remaining more less least lighter softer cheaper younger"
    " deeper shallower warmer colder hotter"
)
_SUPERLATIVE = re.compile(r"(\w{2,}(?:est|most))(?:-\w+ing)?$")
_NOT_SUPERLATIVE = word_set(
    "forest nest chest vest test west guest pest harvest request interest priest quest breast crest"
    " rest arrest contest protest conquest zest jest digest manifest almost compost modest honest"
    " lamppost most bedpost signpost latest headrest armrest footrest backrest wrist-rest invest"
    " suggest ingest inquest everest"
)
PLACES = word_set("front back top bottom middle center centre upper lower rear central inner outer")
SIDES = word_set("left right leftmost rightmost left-hand right-hand")
POSITIONS = word_set(
    "standing lying sitting leaning hanging facing pointing resting moving running walking looking"
    " talking riding sticking floating hovering dangling poking rolling falling crawling kneeling"
    " waiting counting starting wearing touching belonging missing containing"
)
"""Participles of where or how something is, rather than of what it does."""
PARTICIPLES = POSITIONS | word_set(
    "turned tipped fallen stacked placed located positioned upside upright attached connected"
    " filled covered wrapped painted closest nearest made left torn broken bent stuck hung"
    " kept"
)
TRANSITIVE = word_set(
    "wearing holding carrying containing facing touching belonging missing showing"
)

ADJECTIVES = word_set(
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
    " stripy muddy greasy noisy wobbly leaky curly hairy soggy mouldy moldy crooked bent torn worn"
    " spare faulty lonely odd strange weird ugly pretty lovely nice proper right wrong correct"
    " sick ill hungry thirsty tired asleep awake lost late ready busy nervous dizzy injured hurt"
    " woollen tartan patterned furry slim chunky lopsided tilted steep deep shallow unripe raw"
)
STATES = word_set("full empty open closed shut asleep awake ajar unlocked")
"""Those that may follow the noun and are no nouns: "a glass full of water"."""
MARKED = word_set("labelled labeled marked called named tagged titled stamped")
"""What comes after them is written on the noun before: "boxes labelled fragile"."""
EVENTS = word_set(
    "dripping flashing leaking beeping blinking boiling smoking steaming crying barking spinning"
    " overflowing melting smiling limping bleeding ringing buzzing glowing humming squeaking"
    " wobbling dangling sagging rotting wilting missing peeling moving burning sleeping oncoming"
)
"""Participles that tell one thing from another and make no compound nouns."""
_ADJECTIVE_FORM = re.compile(
    r"\w{2,}(?:ed|ish|less|ful|able|ible|ous|-shaped|-colored|-coloured|-sized)$|\w+-ing$"
    r"|(?:half|well)-\w+$|[\w-]+-\w*(?:[^e]ed|tten|aten|oken|ozen)$|\w+(?:ed|orn|oken)-(?:out|off|up|down|in)$"
)
_NOT_ADJECTIVE = word_set(
    "table cable vegetable bed seed shed sled weed feed reed speed breed steed crucible portable"
    " dish fish brush rubbish radish polish parish mouthful handful spoonful embed bible bus"
    " timetable thimble bunkbed seabed flatbed airbed skillful need"
)
_VAGUE_FORM = re.compile(r"\w{4,}(?:al|ic|ical|ive|ary)$")
TOUCH = word_set("soft sharp soft warm hot cold heavy hard safe dry comfortable")
"""What "something" is wished to be rather than seen to be."""

# What is written on things: with words in front they make a name, whatever those words are.
SIGNS = word_set(
    "sign signs label labels leaflet leaflets sticker stickers poster posters notice notices"
    " button buttons form forms card cards tag tags badge badges board boards banner banners"
    " brochure brochures pamphlet pamphlets guide guides list lists tape switch switches sheet"
    " sheets booklet booklets lane lanes key keys light lights plaque plaques lever levers"
    " placard placards hanger hangers mat mats book books note notes symbol symbols stamp stamps"
)
SIGN_OPENERS = word_set(
    "do no nil not this keep mind beware caution danger push pull press stop give for what how when"
    " where out in on by at to please wet help made turn slow look pay ask mind watch hold lift"
    " wash open close take if to-do thank happy have get stand wait queue employees staff"
)

ALWAYS_PLURAL = word_set(
    "scissors pliers tweezers pants trousers shorts jeans tongs goggles headphones binoculars"
    " shears sunglasses earphones snips calipers glasses series stairs headquarters earbuds"
    " spectacles secateurs clippers forceps pyjamas leggings tights"
)
"""Plural in form, one thing all the same."""
_IRREGULAR_PLURAL = word_set("people men women children feet teeth mice geese dice ones lads")
_NOT_PLURAL = word_set("gas lens bus canvas plus chaos atlas iris pancreas christmas compass")
GROUPS = word_set("men women children kids boys girls ladies gents babies child woman man")
"""Owners of a kind of thing rather than of one thing: "women's shoes"."""


def is_superlative(word: str) -> bool:
    found = _SUPERLATIVE.match(word)
    return found is not None and found[1] not in _NOT_SUPERLATIVE


def is_adjective(word: str) -> bool:
    """Whether `word` in front of a noun tells it from others of its kind."""
    return (
        word in ADJECTIVES
        or word in EVENTS
        or (bool(_ADJECTIVE_FORM.match(word)) and word not in _NOT_ADJECTIVE)
        or ("-" in word and ADJECTIVES.issuperset(word.split("-")))  # "light-blue"
    )


def is_vague(word: str) -> bool:
    """Whether `word` may stand before a general noun: "electrical device"."""
    return bool(_VAGUE_FORM.match(word))


def is_plural(word: str) -> bool:
    if word in _IRREGULAR_PLURAL:
        return True
    if word in ALWAYS_PLURAL or word in _NOT_PLURAL:
        return False
    return word.endswith("s") and not word.endswith(("ss", "us", "is", "'s")) and len(word) > 2
