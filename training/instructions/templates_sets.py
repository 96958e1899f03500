"""How people speak of several things, and of what is not meant.

Fields: {n} noun phrase, {N} the same in the plural, {np} definite noun phrase, {be} is or are,
{count} a number word, {x} a word for looks, {ref} and {ref2} definite references.
"""

from __future__ import annotations

from training.instructions.answers import Patterns

COUNT: Patterns = (
    "the {count} {N}",
    "{count} {N}",
    "the group of {count} {N}",
    "these {count} {N}",
    "those {count} {N}",
    "each of the {count} {N}",
)
COUNT_MANY: Patterns = (*COUNT, "all {count} {N}", "all of the {count} {N}")
BOTH: Patterns = (
    "both {N}",
    "both of the {N}",
    "both the {N}",
    "the couple of {N}",
    "one {n} and the other",
    "each of the two {N}",
    "the two {N}",
)
ALL: Patterns = (
    "all the {N}",
    "all {N}",
    "every one of the {N}",
    "each and every {n}",
    "the {N}",
    "all of the {N}",
    "the whole lot of {N}",
    "all {N} in sight",
)
ALL_PLAIN: Patterns = (*ALL, "as many {N} as there are", "whatever {N} there are")
ALL_SIDE: Patterns = ("all the {N}", "all {N}", "the {N}", "every one of the {N}")

PAIR: Patterns = (
    "{ref} and {ref2}",
    "both {ref} and {ref2}",
    "{ref} and also {ref2}",
    "{ref} as well as {ref2}",
    "{ref} together with {ref2}",
    "{ref} plus {ref2}",
    "{ref} along with {ref2}",
    "first {ref} then {ref2}",
    "{ref} and {ref2} too",
    "not only {ref} but also {ref2}",
)
NOT_BUT: Patterns = (
    "not {ref} but {ref2}",
    "{ref2} not {ref}",
    "{ref2} and not {ref}",
    "{ref2} instead of {ref}",
    "{ref2} rather than {ref}",
    "i mean {ref2} not {ref}",
    "leave {ref} alone and take {ref2}",
)

NOT_TRAIT: Patterns = (
    "{np} that {be} not {x}",
    "{np} which {be} not {x}",
    "{np} that {be}n't {x}",
    "{np} which {be}n't {x}",
    "{np} not {x}",
    "{np} other than the {x} one",
    "{np} but not the {x} one",
    "{np} which {be}n't the {x} one",
)
NOT_COLOR: Patterns = (
    "{np} of any color but {x}",
    "{np} of any colour but {x}",
    "{np} without {x} color",
    "{np} of another colour than {x}",
)
ALL_BUT: Patterns = (
    "all {N} but {ref}",
    "all the {N} except {ref}",
    "every {n} other than {ref}",
    "all {N} apart from {ref}",
    "the {N} except {ref}",
    "all of the {N} but not {ref}",
    "the {N} without {ref}",
    "each {n} except for {ref}",
    "all {N} save {ref}",
    "the other {N} besides {ref}",
)
EVERYTHING_BUT: Patterns = (
    "everything except {ref}",
    "everything but {ref}",
    "everything apart from {ref}",
    "all that is not {ref}",
    "whatever is not {ref}",
    "the rest without {ref}",
)
