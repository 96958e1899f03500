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

from sam3i_model.instruction import MAX_TEXT_LENGTH, Instruction, Level, clean, route, understand
from sam3i_model.routing.text import MENDED
from sam3i_model.tokenizers import clip_tokenizer

# Sentence -> whether one single thing is asked for. Kitchens, workshops, warehouses, labs, streets.
CONCEPT: dict[str, bool] = {
    "mug": False,
    "red mug": False,
    "traffic cones": False,
    "a mug": True,
    "an empty bottle": True,
    "the mug": True,
    "the mugs": False,
    "a few mugs": False,
    "cup of coffee": False,
    "the traffic cone": True,
    "all mugs": False,
    "every cardboard box": False,
    "tool box": False,
    "cutting board": False,
    "fire extinguisher": False,
    "can opener": False,
    "soda can": False,
    "hand truck": False,
    "reach truck": False,
    "push pin": False,
    "measuring tools": False,
    "safety vest": False,
    "lab coats": False,
    "i-beam": False,
    "stop sign": False,
    "two way radio": False,
    "first aid kit": False,
    "for sale sign": False,
    "object": False,
    "pick up the mug and put it on the table": True,
    "please pick up the screwdriver": True,
    "where is the forklift?": True,
    "Find all pallets.": False,
    "segment bananas": False,
    "can you see a pipette rack?": True,
    "show me where the kettle is": True,
    "i need a phillips screwdriver": True,
    "how many test tubes are there": False,
    "could you please hand me the scissors": True,
    "yellow and black cable": False,
    "black and white striped pole": False,
    "are there any bicycles in the image?": False,
    "chest of drawers": False,
    "find the people": False,
    "injured people": False,
    "kids clothing": False,
    "toy robots": False,
    "push to open button": False,
    "the roots": False,
    "ring the bell": True,
    "feed the cat": True,
    "Go to the red shelf. Pick up the mug.": True,
    "pick up the mug, put it on the table": True,
    "When you see the mug, pick it up and put it on the table.": True,
    "12 volt batteries": False,
    "Target: mug": False,
    "When you see the mug, pick it up.": True,
    "she needs the scissors": True,
    "we'll need the hammer": True,
    "the running shoes": False,
    "the waiting room": True,
    "a rolling pin": True,
    "turn the lamp off": True,
    "could you take the trash out, please": True,
    "fold the towel": True,
    "unscrew my lid": True,
    "annotate all the mugs": False,
    "please dry the dishes": False,
    "stop the car": True,
    "walk to the door, then turn left": True,
    "box the shoes": False,
    "staple the pages together": False,
    "slice the onions thinly": False,
    "the keep off the grass sign": True,
    "the box of nuts and bolts": True,
    "go into the kitchen and bring me a cup": True,
    "I now grasp the cup": True,
    "aim at the target": True,
    "each and every mug": False,
    "the user told me to find the drill": True,
    "my mother wants to find her glasses": True,
    "look out of the window": True,
    "the mug is what I need": True,
    "Object to grasp: mug": False,
    "where did the cats go": False,
    "where exactly is the mug": True,
    "where in the kitchen are the mugs": False,
    "where might the mug be": True,
    "can you see where the mugs are": False,
    "is that a mug?": True,
    "are there any biscuits left": False,
    "When the light turns green, press the button.": True,
    "steel toed boots": False,
    "the wine glass": True,
    "the pedestrian crossing": True,
    'the "stop" button': True,
    'a 3/8" ratchet': True,
    "Target object: red mug": False,
    "1) mug": False,
    "2. the mug": True,
    "freshly painted walls": False,
    "girls' shoes": False,
    "the 5 mm key": True,
    "the 5 mm keys": False,
    "the 3 drawer cabinet": True,
    "a 9 V battery": True,
    "set down the box": True,
    "wipe down the counters": False,
    "plug in the lamp": True,
    "wait at the door": True,
    "park next to the van": True,
    "back away from the shelf": True,
    "gently pick up the mug": True,
    "alexa find the remote": True,
    "hey stretch grab the mugs": False,
    "ok google where are my keys": False,
    "the right-angle bracket": True,
    "the user wants a mug": True,
    "she is looking for her glasses": True,
    "the target object is the drill": True,
    "my next step is to pick up the drill": True,
    "I must find the drill": True,
    "I'm picking up the drills": False,
    "approaching the shelf": True,
    "go to the table and pick up the mugs": False,
    "Go to the shelf, and then please grab a bottle": True,
    "turn around and take the mugs": False,
    "press and hold the button": True,
    "go to the door and wait": True,
    "I'll now drive up to the sofa.": True,
    "Now I'm heading for the loading ramp.": True,
    "Opening the incubator now.": True,
    "so what we want here is the shredder": True,
    "the robot is about to open the door": True,
    "My task is to wipe the table.": True,
    "I open the drawers": False,
    "Where have the car keys got to?": False,
    "where'd the dishwasher tablet box go": True,
    "whereabouts is the tape gun": True,
    "Where's the lawnmower been left?": True,
    "where does the whisk live": True,
    "Is the kettle anywhere around?": True,
    "Is a phone charger lying around somewhere?": True,
    "Does the robot see the balance?": True,
    "Who took the tape measure?": True,
    "has this shop got an umbrella": True,
    "blood pressure monitor where is it": False,
    "what's wrong with the printer": True,
    "I've got to find the mug": True,
    "I could do with an envelope.": True,
    "I'd appreciate a pillow.": True,
    "I wouldn't mind a blanket": True,
    "a deckchair would be lovely": True,
    "Could room service send up a hairdryer?": True,
    "Guests keep asking for an iron.": True,
    "Help the customer find an adapter.": True,
    "Go look for a ladder.": True,
    "I'd appreciate it if you could bring me the mug": True,
    "target_object: chopping board": False,
    "class=traffic cone": False,
    "<object>hole punch</object>": False,
    "FindObject(lamp)": False,
    "goal: pick(barcode scanner)": False,
    '{"object": "stethoscope"}': False,
    "perception request -> self-checkout": False,
    "Unit 7, proceed to the conveyor.": True,
    "query = a mug": True,
    "an unopened bag": True,
    "Get the beakers ready.": False,
    "Pick the ladle up, then wait for my signal.": True,
    "wait for the lift": True,
    "Stretch, go and find the vacuum cleaner.": True,
    "bring me a lighter": True,
    "Report once you see the compost heap.": True,
    "stop when you reach the door": True,
    "Let's head over to the printer.": True,
    "let me grab the sponge": True,
    "I have found the mug": True,
    "I'm on my way to the kitchen": True,
    "Could you tell me where they keep the napkins?": False,
    "Do you know if there's a stapler around?": True,
    "would you happen to have a pen": True,
    "any chance you could fetch the ladder": True,
    "I was hoping you could bring me a towel": True,
    "how far is the door": True,
    "steer clear of the patch": True,
    "who's got the stapler": True,
    "here is the mug": True,
    "I don't see the mug": True,
    "anybody know where the mop is": True,
    "[FIND] red mug": False,
}
SIMPLE: dict[str, bool] = {
    "the red mug": True,
    "the leftmost box": True,
    "the mug on the left": True,
    "the second mug from the left": True,
    "the mug left of the laptop": True,
    "pick up the biggest screw": True,
    "the box that isn't blue": True,
    "both pallets": False,
    "the two bottles next to the sink": False,
    "the red object": True,
    "the object on the left": True,
    "everything on the top shelf": False,
    "mugs on the table": False,
    "the person wearing a yellow vest": True,
    "the forklift closest to the dock": True,
    "the beaker between the flask and the scale": True,
    "the red mug and the blue box": False,
    "the red mug, the blue cup and the plate": False,
    "Pick up the fork, the knife and the spoon.": False,
    "bring me the fork, knife, and spoon": False,
    "Pick up the red mug. Then pick up the blue cup.": False,
    "the fork on the left, the knife on the right": False,
    "the red mug, the blue mug": False,
    "Pick up the mug. The red one.": True,
    "the mug, the small blue mug": True,
    "the mug, left of the box": True,
    "the blue jar, its lid on the side": True,
    "the person on the left, the person on the right": False,
    "the man with the hat, the glasses and the beard": True,
    "the woman wearing a red dress, a hat and boots": True,
    "the bowl with apples, pears, and bananas": True,
    "the girl eating an apple, a pear and a plum": True,
    "the cup between the plate, the fork and the knife": True,
    "move the box to the shelf, the table or the floor": True,
    "the man with the hat, the woman with the bag": False,
    "the red mug with a lid, the blue mug": False,
    "the car, the second in the row": True,
    "the cup, the biggest of them": True,
    "the remote, the thing on the sofa": True,
    "pick up the block, the largest": True,
    "the pen, or the pencil": False,
    "find the cat, dog or bird": False,
    "on the table, the red mug": True,
    "a couple of mugs": False,
    "the drawer that is open": True,
    "the open drawer": True,
    "the bottle without a cap": True,
    "all the boxes except the blue one": False,
    "the taller of the two cones": True,
    "the dented traffic cone closest to the white van": True,
    "which crate is the smallest": True,
    "what is next to the microscope": False,
    "the car parked behind the truck": True,
    "the thing to the right of the drill": True,
    "the knife to cut bread with": True,
    "the wrench lying on the workbench": True,
    "the boxes stacked on the pallet": False,
    "grab the smaller pair of pliers": True,
    "three test tubes": False,
    "the pedestrian about to cross the street": True,
    "the item that is closest to the camera": True,
    "where is the green bin next to the door?": True,
    "man holding a phone": False,
    "the object under the chair": True,
    "the other glove": True,
    "take the can on the right, please": True,
    "the tool in the red drawer": True,
    "segment the thing next to the can": True,
    "the last pallet in the row": True,
    "the middle shelf": True,
    "the one on the left": True,
    "the people on the sofa": False,
    "the people eating lunch": False,
    "the people crossing the street": False,
    "two people dancing": False,
    "the red robots": False,
    "the cup people use": True,
    "the door people can open": True,
    "rinse the red mug": True,
    "turn the red one off": True,
    "weigh the apple on the left": True,
    "mug the robot is holding": False,
    "on the left of the laptop is a mug": False,
    "on the table there is a mug": False,
    "12 mugs": False,
    "the twelve eggs": False,
    "the man walking": True,
    "the walking man": True,
    "in the box are three apples": False,
    "pick up the mug and then the plate": False,
    "go to the kitchen, pick up the red mug": True,
    "drive to the red car, stop next to it": True,
    "walk to the door, turn to the left": True,
    "put it on the table next to the lamp, not the shelf": True,
    "hat the boy wears": False,
    "box the cat sleeps in": False,
    "quench my thirst": False,
    "brighten the room": False,
    "the user wants the red mug": True,
    "they need the mug that is open": True,
    "which can is on the left": True,
    "which can has a dent": True,
    "press the red button": True,
    "push this red button": True,
    "turn on the red light": True,
    "take the key under the red book": True,
    "the wooden spoon": True,
    "the mug & the bowl": False,
    "if the door is locked, unlock it": True,
    "my goal: the red ball": True,
    "as soon as the kettle boils, switch it off": True,
    "what the user wants is the red folder": True,
    "the second-from-the-left mug": True,
    "a bottle half empty": True,
    "the light-blue cup": True,
    "how many mugs are on the table?": False,
    "is the stove on?": True,
    "are the boxes empty?": False,
    "does the mug have a handle": True,
    "is the burner on the right switched on?": True,
    "any milk left in the fridge": False,
    "any boxes left of the door": False,
    "If the drawer is open, close it.": True,
    "if the mugs are dirty put them in the sink": False,
    "When the door is open, drive through it.": True,
    "a glass full of water": True,
    "boxes labelled fragile": False,
    "the drawer labelled tools": True,
    "the bucket empty": True,
    "the dog barking": True,
    "the half-eaten sandwich": True,
    "the worn-out tyre": True,
    'the box labelled "Fragile"': True,
    'find the "red" mug': True,
    "the mug (red)": True,
    "the mugs [left]": False,
    "1. the mug\n2. the bowl": False,
    "Chris's mug": True,
    "Thomas's mugs": False,
    "Dennis' chair": True,
    "grandma's walking frame": True,
    "the two scissors": False,
    "the two sheep": False,
    "each of the two mugs": False,
    "the lamp and not the chair": True,
    "the box with the chair on one side and the lamp on the other": True,
    "two pairs of pliers": False,
    "the two 5 mm keys": False,
    "take out two eggs": False,
    "finally pick up the red mug": True,
    "stop at the blue line": True,
    "lift on the right": False,
    "roll on the table": False,
    "cup next to the sink": False,
    "family photo on the wall": False,
    "the top-left drawer": True,
    "the left-most bins": False,
    "the second-from-right cup": True,
    "the right-hand-side door": True,
    "the man looking for his keys": True,
    "open the drawer and take the spoons": False,
    "go to the fridge and take out two eggs": False,
    "go to the box and report its position": True,
    "the mug\nthe bowl": False,
    "mug / plate": False,
    "the mug plus the bowl": False,
    "the mug together with a plate": False,
    "the knife and fork": False,
    "the red and the blue block": False,
    "the ball on the left and the ball on the right": False,
    "the cup on the table and the plates on the shelf": False,
    "the woman with a bag and the man on the bike": False,
    "the printer next to the window and the scanner next to the door": False,
    "the mug that is on the shelf and the plate": False,
    "the mug between the plate and the fork on the table": True,
    "the woman wearing a coat and a scarf": True,
    "the drawer that holds the knives and the forks": True,
    "the box next to the chair and the table": True,
    "Then I pick up the newspaper lying on the mat.": True,
    "I'm about to grip the cuvette in the second slot.": True,
    "I'll go round to the birdhouse behind the oak.": True,
    "Next I take the red mug.": True,
    "Is that Pete's angle grinder?": True,
    "has the mug got a handle": True,
    "which keyboard belongs to Tom": True,
    "Are the red mugs around here somewhere?": False,
    "the blue mug would be great": True,
    "could the robot bring me the red mug": True,
    "help him find the red pen": True,
    "any flask without a stopper will be fine": False,
    "grasp('the mug behind the box')": True,
    '{"target": "the mug on the left"}': True,
    "query = the leftmost mug": True,
    "the box(es) on the shelf": True,
    "the mug with <3 on it": True,
    "the sign that says x = 3": True,
    "the heaviest-looking crate": True,
    "the strongest-smelling cheese": True,
    'the tin labelled "Earl Grey"': True,
    'the binders marked "Q3 Invoices"': False,
    'the bottle marked "saline 0.9 %"': True,
    "Straighten the picture over the bed.": True,
    "Drop it beside the cage with the open gate.": True,
    "Retrieve tote B-2207 from bay three.": True,
    "the mug that is cleaner": True,
    "the box lighter than this one": True,
    "there is a man standing by the door": True,
    "the plan that failed": True,
    "I'd rather have the green one": True,
    "next up is the blue bin": True,
    "how big is the red box": True,
    "bring me a red mug, not a blue one": True,
    "bring me the mug, not the cup": True,
    "actually make it the blue one": True,
    "um can you find the uh red mug": True,
    "I can see the red mug": True,
}
COMPLEX: dict[str, bool] = {
    "something to cut paper with": True,
    "the fragile items": False,
    "hand me a breakable object": True,
    "all edible things on the table": False,
    "the tools for cutting": False,
    "what I can drink from": False,
    "I am thirsty": False,
    "what should be moved so that the van can turn right": False,
    "the object used to tighten bolts": True,
    "find something I can sit on": True,
    "the thing that keeps food cold": True,
    "a tool for driving nails": True,
    "an item to wipe the table with": True,
    "which tool should I use to loosen this nut": False,
    "anything that could catch fire": False,
    "my hands are dirty": False,
    "whatever is blocking the aisle": False,
    "give me something to write with": True,
    "I need to weigh a sample": False,
    "what protects my eyes while grinding": False,
    "where can I throw away this wrapper": False,
    "the one you would use to stir the soup": True,
    "help me put out the fire": False,
    "what would a child use to reach the shelf": False,
    "the object that can hold water": True,
    "things that are dangerous to touch": False,
    "how do I open this bottle": False,
    "it is raining outside": False,
    "tools needed to change a tire": False,
    "which of these objects is best for measuring length": False,
    "something": True,
    "stop the door from closing": False,
    "stop the door closing": False,
    "warm the room": False,
    "fix the leak": False,
    "keep the door open": False,
    "make the room warmer": False,
    "keep the papers together": False,
    "dry my hands": False,
    "protect the floor": False,
    "stop the noise": True,
    "a good place to land": True,
    "a safe spot to put down the hot pan": True,
    "an ingredient for a salad": True,
    "a healthy snack": True,
    "the part of the mug you grab it by": True,
    "User: I'm hungry.": False,
    "when there is no milk": False,
    "the baby wants its milk": True,
    "show me the way out": True,
    "look for a way out": True,
    "he needs the room cleaned": False,
    "they want the lights off": False,
    "the cat wants the door open": True,
    "my bike needs some oil": False,
    "she wants to have a shower": False,
    "where should the mug be": False,
    "once you are done, close it": False,
    "put out the flames": False,
    "warm up the room": False,
    "I must cut this rope": False,
    "the problem is the noise": True,
    "cutting the bread": False,
    "The goal is to open a bottle of wine.": True,
    "I'm trying to open the door": False,
    "I'm cutting the bread": False,
    "I'm going to make a cake": False,
    "I cut my finger on the metal strapping": False,
    "I need to open this bottle": False,
    "where does this go": False,
    "where did you get that": False,
    "I have got to go": False,
    "where can I try this on": False,
    "who can help me": False,
    "is it dangerous": False,
    "I'd love to sit down": False,
    "I could do with a rest": True,
    "I'd appreciate some help": False,
    "could water get into the box": False,
    "help the man get the lid off": False,
    "anything will do": False,
    "that would be great": False,
    "target => something to cut paper with": True,
    '{"instruction": "I\'m thirsty"}': False,
    "there are sparks coming my way": False,
    "There's oil all over aisle nine.": False,
    "there's smoke everywhere": False,
    "let me sleep": False,
    "time to go to bed": False,
    "how are the kids": False,
    "how heavy is this": False,
    "I found a spider in my bed": False,
    "I was hoping to rest": False,
    "make it stop": False,
    "I've just cut the rope": False,
    "I can see that you are busy": False,
    "I don't see why": False,
    "I don't see anything": False,
    "I'm going to cut the grass": False,
    "I press the button but nothing works": False,
    "I drop the ball every time": False,
    "I'd rather have the window open": False,
}
LABELLED = [
    (text, level, singular)
    for level, texts in (
        (Level.CONCEPT, CONCEPT),
        (Level.SIMPLE, SIMPLE),
        (Level.COMPLEX, COMPLEX),
    )
    for text, singular in texts.items()
]


@pytest.mark.parametrize(("text", "level", "singular"), LABELLED)
def test_labelled_sentence(text: str, level: Level, singular: bool) -> None:
    routing = route(text)
    assert (routing.level, routing.singular) == (level, singular), routing.why


def sentences(name: str = "instructions.tsv") -> list[dict[str, str]]:
    with (Path(__file__).parent / "data" / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


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
