"""The page in a real browser, as a person uses it: keys, drawing, two windows, a kill."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.training.review_data import (
    BLUE,
    RED,
    corners,
    image,
    make,
    masks,
    rectangle,
    saved,
    start,
)

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
NAMES = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next((path for path in map(shutil.which, NAMES) if path), None)
pytestmark = pytest.mark.skipif(
    BROWSER is None, reason="there is no Chromium: apt-get install chromium"
)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with sync_api.sync_playwright() as driver:
        # As root, as in a container, it has no sandbox of its own.
        browser = driver.chromium.launch(
            executable_path=BROWSER, args=["--no-sandbox"] if os.geteuid() == 0 else []
        )
        yield browser
        browser.close()


class Person:
    """Somebody at a window of the page."""

    def __init__(self, browser: Any, url: str) -> None:
        self.faults: list[str] = []
        self.page = browser.new_page(viewport={"width": 1280, "height": 800})
        self.page.set_default_timeout(10_000)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.goto(url)
        self.page.wait_for_selector("nav button[aria-current]")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def sees(self, selector: str, text: str) -> None:
        self.page.wait_for_function(
            "([s, t]) => document.querySelector(s).textContent.includes(t)", arg=[selector, text]
        )

    def sees_masks(self, count: int) -> None:
        self.page.wait_for_function(
            "n => document.querySelectorAll('path.mask').length === n", arg=count
        )

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a pixel of the picture is on the screen."""
        box = self.page.locator("#overlay").bounding_box()
        width = self.page.evaluate("document.getElementById('overlay').viewBox.baseVal.width")
        scale = box["width"] / width
        return box["x"] + x * scale, box["y"] + y * scale

    def click(self, x: float, y: float) -> None:
        self.page.mouse.click(*self.at(x, y))

    def drag(self, *points: tuple[float, float]) -> None:
        self.page.mouse.move(*self.at(*points[0]))
        self.page.mouse.down()
        for point in points[1:]:
            self.page.mouse.move(*self.at(*point), steps=6)
        self.page.mouse.up()

    def outline(self, points: list[float]) -> None:
        for x, y in zip(points[::2], points[1::2], strict=True):
            self.click(x, y)


class Session:
    """A server of its own, and people who look at it."""

    def __init__(self, browser: Any, data: Path) -> None:
        self.browser, self.data = browser, data
        self.process, self.url = start(data, "--no-browser")
        self.people: list[Person] = []

    def person(self) -> Person:
        self.people.append(Person(self.browser, self.url))
        return self.people[-1]

    def end(self, number: int = signal.SIGTERM) -> None:
        self.process.send_signal(number)
        self.process.communicate(timeout=20)
        for person in self.people:
            assert person.faults == []
            person.page.close()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return make(tmp_path / "data")


@pytest.fixture
def session(chromium: Any, data: Path) -> Iterator[Session]:
    session = Session(chromium, data)
    yield session
    if session.process.poll() is None:
        session.end(signal.SIGKILL)


def test_a_data_set_is_gone_through_with_the_keys_alone(session, data):
    person = session.person()
    person.sees("#text", "the red box")
    person.sees("#count", "0 of 5")
    person.press("a")
    person.sees("#text", "both boxes")
    person.press("a", "r", "n", "a")  # faster than the server answers
    person.sees("#message", "All are reviewed")
    person.sees("#count", "5 of 5")
    person.press("t", "t")
    person.sees("#filters [aria-pressed=true]", "Rejected 1")
    person.sees("#text", "mug")
    assert person.page.locator("nav button").count() == 1
    person.press("z", "z")
    person.sees("#count", "3 of 5")
    person.press("y")
    person.sees("#count", "4 of 5")
    session.end()
    reviews = [image(data, n).get("review") for n in range(1, 6)]
    assert reviews == ["accepted", "accepted", "rejected", "accepted", None]
    # Nothing was drawn, so all masks are as they were, to the bit.
    assert saved(data)["annotations"] == saved(make(data / "fresh"))["annotations"]


def test_a_key_held_down_is_one_verdict(session, data):
    person = session.person()
    for _ in range(6):  # the browser's repeats
        person.page.keyboard.down("a")
    person.sees("#text", "both boxes")
    person.page.keyboard.up("a")
    person.page.locator("#reject").focus()
    for _ in range(6):
        person.page.keyboard.down("Enter")
    person.sees("#text", "mug")
    person.page.keyboard.up("Enter")
    person.press("f")  # comes after all of them
    person.sees("#count", "2 of 5")
    session.end()
    reviews = [image(data, n).get("review") for n in range(1, 6)]
    assert reviews == ["accepted", "rejected", None, "open", None]


def test_a_polygon_is_redrawn_cut_and_taken_back(session, data):
    person = session.person()
    person.press("1", "d")
    person.sees("#effect", "Replaces instance 1")
    person.outline([30, 4, 50, 4, 50, 14])
    person.press("a")
    person.sees("#message", "Finish the polygon")
    person.press("Backspace")  # the last corner
    person.outline([50, 16, 30, 16])
    person.press("Enter")
    person.sees("#instances small", "240 px")
    person.press("x")
    person.outline(corners(30, 4, 10, 12))
    person.click(30, 4)  # on the first corner
    person.sees("#instances small", "120 px")
    person.press("0")
    person.sees("#effect", "Draws a new instance")
    person.outline(corners(2, 40, 8, 4))
    person.press("Enter")
    person.sees_masks(2)
    person.press("z")
    person.sees_masks(1)
    person.press("z")
    person.sees("#instances small", "240 px")
    person.press("y", "a")
    person.sees("#text", "both boxes")
    session.end()
    (mask,) = masks(data, 1)
    assert (mask == rectangle(40, 4, 10, 12)).all()
    assert image(data, 1)["review"] == "corrected"
    assert saved(data)["annotations"][0]["teacher_score"] == 0.87  # of the untouched ones


def test_what_is_taken_back_elsewhere_has_no_instance_chosen(session):
    person = session.person()
    person.press("a")
    person.sees("#text", "both boxes")
    person.press("1", "x")
    person.sees("#effect", "Cuts from instance 1")
    person.press("z")
    person.sees("#text", "the red box")
    person.sees("#effect", "Draws a new instance")
    assert person.page.locator("#instances [aria-pressed=true]").count() == 0


def test_instances_are_chosen_by_click_painted_and_deleted(session, data):
    person = session.person()
    person.press("j")
    person.sees_masks(2)
    person.click(BLUE[0] + 5, BLUE[1] + 5)
    person.sees("#instances [aria-pressed=true]", "Instance 2")
    person.click(BLUE[0] + 5, BLUE[1] + 5)  # not any more
    person.page.wait_for_selector("#instances [aria-pressed=true]", state="detached")
    person.press("1", "b")
    person.drag((RED[0] + 10, RED[1] + 8), (RED[0] + 10, RED[1] + 30))
    person.page.wait_for_function(
        "() => parseInt(document.querySelector('#instances small').textContent) > 320"
    )
    person.press("2", "Delete")
    person.sees_masks(1)
    person.press("w")
    person.press("0")
    person.click(BLUE[0] + 5, BLUE[1] + 5)  # floods the blue box
    person.sees_masks(2)
    person.press("a", "k", "k")
    session.end()
    first, second = masks(data, 2)
    assert first[RED[1] + 28, RED[0] + 10]
    assert not first[RED[1] + 28, RED[0] - 5]
    assert (second == rectangle(*BLUE)).all()
    assert image(data, 2)["review"] == "corrected"


def test_a_sentence_and_its_level_are_rewritten(session, data):
    person = session.person()
    person.press("e")
    person.page.locator("#editor input").fill("what a bull runs at")
    person.page.locator("#editor select").select_option(label="complex")
    person.press("Enter")
    person.sees("#text", "what a bull runs at")
    person.sees("#level", "complex")
    person.press("e")
    person.page.locator("#more").click()
    person.page.locator("#editor input").last.fill("a and r are letters here")
    person.press("Enter")
    person.sees("#others", "a and r are letters")
    person.press("e", "x", "x", "Escape")  # left as it was
    person.press("a")
    person.sees("#text", "both boxes")
    session.end()
    assert image(data, 1)["text_inst_input"] == {
        "concept": [],
        "simple_query": ["a and r are letters here"],
        "complex_query": ["what a bull runs at"],
    }
    assert image(data, 1)["review"] == "corrected"


def test_what_needs_masks_is_not_accepted_without(session, data):
    person = session.person()
    person.press("j", "j", "j", "a")
    person.sees("#message", "It has no instance yet")
    person.press("g")
    person.drag((BLUE[0] - 3, BLUE[1] - 3), (BLUE[0] + 21, BLUE[1] + 21))
    person.sees_masks(1)
    person.press("a")
    person.sees("#count", "1 of 5")
    session.end()
    assert (masks(data, 4)[0] == rectangle(*BLUE)).all()
    assert image(data, 4)["review"] == "corrected"


def test_masks_lie_on_their_pixels_at_every_zoom(session):
    person = session.person()
    person.press("j")
    person.sees_masks(2)
    for keys in ((), ("+",), ("f", "-", "-")):
        person.press(*keys, "m")  # the picture alone ...
        person.page.wait_for_selector("#overlay.bare")
        shot = person.page.screenshot(animations="disabled")
        person.press("m")
        person.page.wait_for_selector("#overlay:not(.bare)")
        masked = person.page.screenshot(animations="disabled")
        before, after = (
            cv2.imdecode(np.frombuffer(data, np.uint8), 1).astype(int) for data in (shot, masked)
        )
        x, y, width, height = BLUE
        inside = [(x + 1, y + 1), (x + width - 1, y + 1), (x + 1, y + height - 1)]
        outside = [(x - 1, y - 1), (x + width + 1, y + 1), (x + 1, y + height + 1)]
        for points, tinted in ((inside, True), (outside, False)):
            for point in points:
                column, row = (round(value) for value in person.at(*point))
                assert bool(abs(before - after)[row, column].max() > 20) == tinted, point


def test_a_killed_server_loses_nothing_and_the_page_says_so(chromium, session, data):
    person = session.person()
    person.press("a")
    person.sees("#text", "both boxes")
    person.press("2", "Delete")
    person.sees_masks(1)
    session.process.kill()
    session.process.wait()
    person.press("r")
    person.sees("#message", "The server can't be reached")
    assert "review" not in image(data, 1)
    again = Session(chromium, data)
    try:
        person = again.person()
        person.sees("#count", "1 of 5")
        person.sees("#text", "both boxes")
        person.sees_masks(1)
        person.press("z")
        person.sees_masks(2)
        person.press("y", "a")
        person.sees("#text", "mug")
    finally:
        again.end()
    assert [image(data, n).get("review") for n in (1, 2, 3)] == ["accepted", "corrected", None]
    assert len(masks(data, 2)) == 1


def test_a_polygon_that_could_not_be_kept_stays_on_the_page(session):
    person = session.person()
    person.press("p")
    person.outline(corners(2, 40, 8, 4))
    session.process.kill()
    session.process.wait()
    person.press("Enter")
    person.sees("#message", "The server can't be reached")
    assert person.page.locator("#draft .corner").count() == 4
    asked = []
    person.page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    person.page.goto("about:blank")
    assert asked == ["beforeunload"]


def test_a_narrow_window_scrolls_and_covers_nothing(session):
    page = session.person().page
    page.set_viewport_size({"width": 500, "height": 700})
    fits = (
        "() => { const m = document.querySelector('main'); return m.scrollWidth <= m.clientWidth; }"
    )
    assert page.evaluate(fits)
    page.mouse.move(250, 20)
    page.mouse.wheel(1000, 0)
    page.wait_for_function(
        "() => document.querySelector('aside').getBoundingClientRect().right <= 500"
    )


def test_two_windows_do_not_overwrite_each_other(session, data):
    first, second = session.person(), session.person()
    first.press("1", "Delete")
    first.sees_masks(0)
    second.sees_masks(1)
    second.press("a")
    second.sees("#message", "another window")
    second.sees_masks(0)
    second.press("r")
    second.sees("#count", "1 of 5")
    session.end()
    assert masks(data, 1) == []
    assert image(data, 1)["review"] == "rejected"


def test_the_list_shows_the_ends_of_long_file_names(chromium, data):
    content = (data / "annotations.json").read_text()
    name = "apc_shelf_15frames_of_a_long_drive-1700000000123456789.png"
    (data / "images/a.png").rename(data / "images" / name)
    (data / "annotations.json").write_text(content.replace("a.png", name))
    session = Session(chromium, data)
    try:
        page = session.person().page
        for place in ("nav .file", "#file"):
            shown = page.evaluate(
                """(place) => {
                  const box = document.querySelector(place);
                  const text = document.createTreeWalker(box, NodeFilter.SHOW_TEXT).nextNode();
                  const range = document.createRange();
                  const { left, right } = box.getBoundingClientRect();
                  return [...text.data].map((_, index) => {
                    range.setStart(text, index);
                    range.setEnd(text, index + 1);
                    const letter = range.getBoundingClientRect();
                    return letter.left >= left - 1 && letter.right <= right + 1;
                  });
                }""",
                place,
            )
            assert not shown[0], place
            assert all(shown[-19:]), place
    finally:
        session.end()


def test_sentences_of_another_window_are_not_written_over(session, data):
    first, second = session.person(), session.person()
    for person, sentence in ((first, "mine"), (second, "theirs")):
        person.press("e")
        person.page.locator("#editor input").fill(sentence)
    second.press("Enter")
    second.sees("#text", "theirs")
    first.page.evaluate("dispatchEvent(new Event('focus'))")  # what comes of going back to it
    first.sees("#text", "theirs")
    first.press("Enter")
    first.sees("#message", "another window")
    session.end()
    assert image(data, 1)["text_inst_input"]["simple_query"] == ["theirs"]


def test_sentences_from_outside_are_only_text(chromium, data):
    content = (data / "annotations.json").read_text()
    nasty = "<img src=x onerror=document.title='owned'><script>document.title='owned'</script>"
    (data / "annotations.json").write_text(content.replace("both boxes", nasty.replace('"', "")))
    session = Session(chromium, data)
    try:
        person = session.person()
        person.press("j")
        person.sees("#text", nasty)
        person.press("e")
        person.page.wait_for_selector("#editor[open]")
        assert person.page.title() == "Review of data"
        assert person.page.locator("nav img, #text img, #others img").count() == 0
    finally:
        session.end()
