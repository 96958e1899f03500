"""The router against sentences labelled by hand, and the cleaning of texts.

Sets a, b, e and f of data/instructions.tsv are by four people who had not seen the rules. The rules
were made on a and mended on b. Sets c and d are by the rules' author: c in other domains, d on both
sides of single rules. Sets e and f came when the rules were finished; no rule was made on them,
they only guard what was right. Set g is by
a fifth person who looked for what the rules got wrong, and the rules were mended on it; its numbers
say whether one certain thing, any one or many are asked for.

Set h is by a sixth person, 500 sentences as planners, users and speech-to-text publish them,
measured before the rules were mended on them. 15 that the person called arguable, and that are read
otherwise, are left out; 39 of the others got labels by the conventions, once it was seen how they
are read: a bare noun asks for everything of its kind, two kinds in one sentence are simple, a
measure belongs to the name, and an attribute after "a" to the kind.

Set i, 300 such sentences, is by a seventh person, whose labels stay as they are. It came last and
no rule was made on it: with e and f it is the measure of sentences that nobody has seen.
"""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from itertools import dropwhile
from pathlib import Path

import pytest

from sam3i_model.checkpoints.tokenizers import clip_tokenizer
from sam3i_model.instruction import MAX_TEXT_LENGTH, Instruction, Level, clean, route, understand
from sam3i_model.routing.text import MENDED


def sentences(name: str = "instructions.tsv") -> list[dict[str, str]]:
    with (Path(__file__).parent / "data" / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


@pytest.mark.parametrize("row", sentences("rules.tsv"), ids=lambda row: row["text"])
def test_labelled_sentence(row: dict[str, str]) -> None:
    """Each is there for a rule; kitchens, workshops, warehouses, labs, streets."""
    routing = route(row["text"])
    read = routing.level.name.lower(), routing.singular
    assert read == (row["level"], row["singular"] == "yes"), routing.why


@pytest.mark.parametrize("text", ["1. the mug\n2. the bowl", "the mug\nthe bowl"])
def test_each_line_tells_a_thing_of_its_own(text: str) -> None:
    routing = route(text)
    assert (routing.level, routing.singular) == (Level.SIMPLE, False), routing.why


@pytest.mark.parametrize(
    ("names", "floor", "astray"),
    [
        ("abcdef", 0.985, 0),
        ("ab", 1, 0),
        ("c", 0.99, 0),
        ("d", 0.97, 0),
        ("e", 0.97, 0),
        ("f", 0.98, 0),
        ("g", 0.95, 0),
        ("h", 0.97, 0),
        ("i", 0.95, 3),
    ],
)
def test_agreement_with_labelled_sentences(names: str, floor: float, astray: int) -> None:
    rows = [row for row in sentences() if row["set"] in names]
    read = [(row["level"], route(row["text"]).level.name.lower(), row["text"]) for row in rows]
    wrong = [f"{label} -> {level}: {text}" for label, level, text in read if label != level]
    assert len(rows) > 100
    print(f"{names}: {1 - len(wrong) / len(rows):.1%} of {len(rows)} levels")
    assert 1 - len(wrong) / len(rows) >= floor, "\n".join(wrong)
    assert len([line for line in wrong if line.startswith("concept -> complex")]) <= astray


@pytest.mark.parametrize(("names", "floor"), [("gh", 0.97), ("i", 0.92)])
def test_agreement_on_how_many_are_asked_for(names: str, floor: float) -> None:
    rows = [row for row in sentences() if row["number"] and row["set"] in names]
    read = [(row["number"], _number(row["text"]), row["text"]) for row in rows]
    wrong = [f"{label} -> {number}: {text}" for label, number, text in read if label != number]
    assert len(rows) > 200
    print(f"{names}: {1 - len(wrong) / len(rows):.1%} of {len(rows)} numbers")
    assert 1 - len(wrong) / len(rows) >= floor, "\n".join(wrong)


@pytest.mark.parametrize(
    ("name", "levels", "prompts"),
    [("p", 0.96, 0.96), ("q", 0.9, 0.91), ("r", 0.97, 0.98), ("s", 0.95, 0.9)],
)
def test_agreement_on_the_words_that_a_model_reads(
    name: str, levels: float, prompts: float
) -> None:
    """Set p are 240 of the sentences, by an eighth person who had not seen the rules: 93 % of those
    whose level is right at first, where the whole sentence is 56 %. Set q is by a ninth, who wrote
    462 to bring the rules down: 86 % of the levels, 85 % of those. Set r is by a tenth, 300 as they
    come to robots: 90 % of the levels, 98 % after slips of the person's, and 94 % of those. Set s
    is by an eleventh, 200 more when the rules had been mended on the others: 95 %, and 87 %.
    """
    rows = [row for row in sentences("prompts.tsv") if row["set"] == name]
    right = [row for row in rows if route(row["text"]).level.name.lower() in row["level"]]
    wrong = [
        f"{row['prompt']} -> {route(row['text']).prompt}: {row['text']}"
        for row in right
        if _plain(route(row["text"]).prompt) not in map(_plain, row["prompt"].split(" | "))
    ]
    print(f"{name}: {len(right) / len(rows):.1%} of {len(rows)} levels, ", end="")
    print(f"{1 - len(wrong) / len(right):.1%} of {len(right)} prompts")
    assert len(right) / len(rows) >= levels
    assert 1 - len(wrong) / len(right) >= prompts, "\n".join(wrong)


def _plain(text: str) -> str:
    """Words and signs; a determiner in front is as good as none."""
    words = re.findall(r"[\w'$#%+°&]+", clean(text))
    return " ".join(dropwhile({"the", "a", "an", "some", "any", "all", "of"}.__contains__, words))


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("mug", "mug"),
        ("Could you please bring me all of the mugs?", "mugs"),
        ("Any kind of screwdriver will do.", "screwdriver"),
        ('Detect all instances of "screwdriver" in the image.', "screwdriver"),
        ("the 5 mm hex key", "5 mm hex key"),
        ("no smoking sign", "no smoking sign"),
        ("find the $5 bill, please", "$5 bill"),
        ('find the tin labelled "Earl Grey", please', 'the tin labelled "earl grey"'),
        ("find the 'mug', please", "mug"),
        ("the box of C++ books, please", "box of c++ books"),
        ("Robbie, find all towels", "towels"),
        ("Step 3. Pick up the mug.", "mug"),
        ("It's cold, bring me a blanket", "blanket"),
        ("Hand me the mug that isn't red, will you?", "the mug that isn't red"),
        ("take the brown bottle, not the clear one", "the brown bottle, not the clear one"),
        ("put the red mug in the dishwasher", "the red mug"),
        ("put the red mug on the left in the sink", "the red mug on the left in the sink"),
        ("Track the woman on the left and tell me when she leaves.", "the woman on the left"),
        ("Please find something to cut paper with.", "something to cut paper with"),
        ("is there anything to cool it? It is too hot here", None),
        ("the tote underneath the belt, just before the gate", None),
        ("Bring me the scissors and the tape", "the scissors and the tape"),
        ("the mug, the plate", None),
        ("TIAGo, pick up the mug", "mug"),
        ("The mug. Find the red one.", None),
        ("The cup in the sink is clean; find the cup by the sink.", "the cup by the sink"),
        ("Find the mug. It's on the left.", None),
        ("Find a boy. He's wearing a blue shirt.", None),
        ("Pick up the scalpel. Be careful, it's sharp.", "scalpel"),
        ("On the top shelf, find the blue box.", None),
        ("To the left of the door, press the switch.", None),
        ("With the gripper, take the blue box on the left.", "the blue box on the left"),
        ("Next, pick up the mug.", "mug"),
        ("Verify that the rear hatch is closed.", "the rear hatch"),
        ("is the door on the left open?", "the door on the left"),
        ("Dr Osei's clipboard", "dr osei's clipboard"),
        ("water only the plants that are drooping", "the plants that are drooping"),
        ("Find me an umbrella, it's chucking it down.", "umbrella"),
        ("Search the living room for the blue backpack.", "the blue backpack"),
        ("Give the patient the red cup.", "the red cup"),
        ("hand me the pliers the ones with red handles", "the pliers the ones with red handles"),
        ("bring me an A3 sheet, not an A4 one", "an a3 sheet, not an a4 one"),
        ("bring the bucket over to the trough", "the bucket"),
        ("Turn the knob clockwise.", "knob"),
        ("grab the crate that's falling over", "the crate that's falling over"),
        ("Sort the green apples into the left crate.", "the green apples"),
        ("Find something the patient can drink from.", "something the patient can drink from"),
        ("The screw is loose. Find a suitable tool.", None),
        ("My inhaler is on the nightstand, please bring it.", None),
        ("Insert the tube with the red cap.", "the tube with the red cap"),
        ("Put the cup with the broken handle in the trash.", "the cup with the broken handle"),
        ("Put away the toys under the couch.", "the toys under the couch"),
        ("Find the door into the garden.", "the door into the garden"),
        ("Bring the tray to room 12.", "the tray"),
        ("Transfer the flask from the bench to the hood.", "the flask from the bench"),
        ("Draw a bounding box around the red mug.", "the red mug"),
        ("open the drawer and leave it open", "drawer"),
        ("put the milk back", "milk"),
        ("all purpose flour", "all purpose flour"),
        ("type O blood bag", "type o blood bag"),
        ("his and hers towels", "his and hers towels"),
        ("<object>red mug</object>", "red mug"),
        ("- **red toolbox**", "red toolbox"),
        ('find the "good" scissors', '"good" scissors'),
        ("the tray (the blue one) on the cart, please", None),
        ("the -80 \N{DEGREE SIGN}C freezer", "-80 \N{DEGREE SIGN}c freezer"),
        ("pass the salt & pepper", "the salt & pepper"),
        ("the photo in the silver frame", "the photo in the silver frame"),
        ("the mug in the camera image", "mug"),
        ("Why don't you bring me the blue binder?", "the blue binder"),
        ("I would be ever so grateful if you could fetch the ladder.", "ladder"),
        ("the mug; it is the red one on the left", None),
        ("find the \N{RED APPLE}", None),
        ("finde die rote Tasse", None),
        ("the", None),
        ("???", None),
    ],
)
def test_what_a_model_reads_is_cut_out_of_the_text(text: str, prompt: str | None) -> None:
    """None: nothing, all of it is read."""
    routing = route(text)
    assert routing.prompt == (clean(text) if prompt is None else prompt)
    assert routing.prompt in clean(text)


def test_a_level_that_is_given_leaves_the_text_as_it_is() -> None:
    text = "Please find the red mug."
    assert understand(Instruction(text)) == route(text)
    given = understand(Instruction(text, level=Level.CONCEPT))
    assert (given.level, given.prompt, given.kind) == (Level.CONCEPT, text, "")
    assert given.definite


def _number(text: str) -> str:
    routing = route(text)
    if routing.definite:
        return "one"
    return "any" if routing.singular else "many"


def test_only_slips_are_mended_no_words() -> None:
    """CLIP's vocabulary has a token for every common word, and for few misspellings."""
    whole = clip_tokenizer().get_vocab()
    assert {slip for slip in MENDED if f"{slip}</w>" in whole} == {"teh", "ened", "gera", "sement"}
    closet, mug = route("the closet"), route("the mug")
    assert (closet.prompt, mug.prompt) == ("closet", "mug")
    assert replace(closet, prompt="mug", kind="mug") == mug


@pytest.mark.parametrize(
    "text",
    [
        *("", "   ", "?!", "the", "of", "the of", "please", "and", "to", "that", "not", "can"),
        *("\N{CJK UNIFIED IDEOGRAPH-4EC0}", "\x00\ud800", "<b>&amp;</b>", "which which which"),
        *("a " * 5000, "i" * 100_000, "the " * 999, "something", "please please", "is", "what"),
        *(": the mug", "= mug", "-> mug", "(mug", '"', "{}", "<>", "mug(", "1.", "and the", "'s"),
    ],
)
def test_any_text_gets_a_level(text: str) -> None:
    routing = route(text)
    assert routing.level in (Level.CONCEPT, Level.SIMPLE, Level.COMPLEX)
    assert routing.why


def test_case_spacing_and_punctuation_change_nothing() -> None:
    plain = route("please pick up the red mug that is not empty")
    said = route("  PLEASE,  pick up\tthe RED mug that isn\N{RIGHT SINGLE QUOTATION MARK}t empty!")
    assert said.prompt == "the red mug that isn't empty"
    assert replace(said, prompt=plain.prompt) == plain


def test_clean() -> None:
    assert clean("  The\n&lt;Red&gt;  ＭＵＧ &amp;amp; box ") == "the <red> mug & box"  # noqa: RUF001


def test_only_the_allowed_length_is_read() -> None:
    within = "mug " * (MAX_TEXT_LENGTH // 4)
    assert route(within + "next to the box") == route(within)


@pytest.mark.parametrize(
    ("text", "definite"),
    [
        ("the mug", True),
        ("the leftmost mug", True),
        ("please find the red mug", True),
        ("the nurse's clipboard", True),
        ("Dave's mug", True),
        ("not the green mug, the red one", True),
        ("women's shoes", False),
        ("a mug, the red one", True),
        ("a mug", False),
        ("another mug", False),
        ("mug", False),
        ("mugs", False),
        ("my coat and scarf", False),
        ("the 5 mm key", True),
        ("the thing that keeps food cold", False),
    ],
)
def test_definite_requests(text: str, definite: bool) -> None:
    assert route(text).definite == definite
