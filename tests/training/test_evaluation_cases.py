"""Which cases the page shows, and how."""

from __future__ import annotations

import numpy as np

from sam3i_model.grounding import Grounding
from sam3i_model.instruction import Instruction, Level, Outcome
from sam3i_model.pages import data_uri
from training.annotations.rle import encode
from training.evaluation.pictures import RIGHT, SIDE, WRONG, draw
from training.evaluation.report import BEST, WORST, best, worst
from training.evaluation.rows import Row, row_of
from training.questions import Question

HEIGHT, WIDTH = 20, 40


def row(picture: int, meant: int, found: int, score: float = 0.5) -> Row:
    """The first ten columns from `meant` and from `found` on; -1 is nothing."""

    def mask(left: int) -> np.ndarray:
        out = np.zeros((int(left >= 0), HEIGHT, WIDTH), bool)
        out[:, :, left : left + 10] = True
        return out

    question = Question("1", "can", "concept", tuple(encode(one) for one in mask(meant)))
    masks = mask(found)
    scores = np.full(len(masks), score, np.float32)
    outcome = Outcome.FOUND if len(masks) else Outcome.NOT_FOUND
    grounding = Grounding(
        Instruction("can"), outcome, Level.CONCEPT, 0.9, masks=masks, scores=scores
    )
    return row_of(picture, (HEIGHT, WIDTH), question, grounding)


def test_the_surest_of_the_worst_come_first_one_of_each_picture():
    rows = [
        row(0, 0, 0),
        row(1, 0, 5),
        row(2, 0, 20, 0.4),
        row(3, 0, 20, 0.8),
        row(3, 0, 20, 0.6),
        row(4, -1, -1),
        row(5, -1, 0, 0.7),
        row(6, 0, -1),
    ]
    assert [one.picture for one in worst(rows)] == [3, 5, 2, 6, 1, 3]
    assert [one.picture for one in best(rows)] == [0]
    many = [row(picture, 0, 20) for picture in range(30)]
    assert (len(worst(many)), len(best(many))) == (WORST, 0)
    assert len(best([row(picture, 0, 1) for picture in range(30)])) == BEST


def test_pictures_show_right_wrong_and_meant():
    rgb = np.full((HEIGHT, WIDTH, 3), 100, np.uint8)
    picture = draw(rgb, row(0, 0, 5))
    assert picture.shape == (SIDE // 2, SIDE, 3)

    def at(column: float) -> np.ndarray:
        return picture[SIDE // 4, round(column * SIDE / WIDTH)]

    for column, colour in ((7.5, RIGHT), (12.5, WRONG)):
        np.testing.assert_allclose(at(column), 40 + 0.6 * np.array(colour), atol=1)
    assert at(2.5).tolist() == at(30).tolist() == [100, 100, 100]
    assert at(9.9).tolist() == [255, 255, 255]
    assert (rgb == 100).all()


def test_large_pictures_shrink():
    rgb = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    large = np.zeros((2000, 3000, 3), np.uint8)
    question = Question("1", "x", "concept", ())
    nothing = Grounding(Instruction("x"), Outcome.NOT_FOUND, Level.CONCEPT)
    drawn = draw(large, row_of(0, (2000, 3000), question, nothing))
    assert drawn.shape == (round(SIDE * 2 / 3), SIDE, 3)
    uri = data_uri(draw(rgb, row(0, 0, 0)))
    assert uri.startswith("data:image/jpeg;base64,/9j/")
    assert len(uri) < 60_000
