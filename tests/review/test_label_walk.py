"""A rater's walk through the page about labels in a real browser, with a server that is killed."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tapscope.labelling.label_log import read_log
from tests.labelling.to_label import OFF_PX, SIZE, made_folder, true_tips, written
from tests.review.browser import CHROMIUM, Server, drag, new_page

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
pytest.importorskip("starlette", reason="needs tapscope[review]")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")

NAME = "<b>hand & one"
SAVED = "#saved:has-text('saved: {}')"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = made_folder(tmp_path / "to_label")
    file = folder / "annotations.json"
    file.write_text(file.read_text().replace('"recording": "rec-0"', f'"recording": "{NAME}"'))
    return folder


@pytest.fixture
def page() -> Iterator[Any]:
    with playwright.sync_playwright() as driver, new_page(driver) as page:
        yield page


class Walk:
    """A rater at the page; the server can be killed and started again."""

    def __init__(self, page: Any, folder: Path) -> None:
        self.page = page
        self.folder = folder
        self.begin()

    def begin(self) -> None:
        self.server = Server("--labels", self.folder)
        self.page.goto(self.server.address)
        self.page.fill("#rater-id", "AB")
        self.page.click("text=Begin")
        self.page.wait_for_selector("#work:not([hidden])")
        self.entries()

    def entries(self) -> int:
        log = self.folder / "labels.jsonl"
        return len(read_log(log).entries)

    def on_screen(self, place: list[float]) -> tuple[float, float]:
        """Return where a place of the image is; the whole image is shown."""
        box = self.page.locator("#picture").bounding_box()
        x, y = ((value + 0.5) / side for value, side in zip(place, SIZE, strict=True))
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def drawn(self) -> None:
        self.page.wait_for_selector("#picture[aria-busy=false]")

    def saved(self, words: str) -> None:
        self.page.wait_for_selector(SAVED.format(words))


@pytest.fixture
def walk(page: Any, folder: Path) -> Iterator[Walk]:
    walk = Walk(page, folder)
    yield walk
    walk.server.end()


def test_a_walk_through_the_page_is_in_the_annotations(walk: Walk) -> None:
    page = walk.page
    assert page.locator("#name").inner_text() == f"{NAME}, frame 0"  # no markup
    assert page.locator("#progress").inner_text().startswith("0 of 4 done")
    walk.drawn()
    thumb, index = true_tips(0)
    drag(page, walk.on_screen([index[0] + OFF_PX, index[1]]), walk.on_screen(index))
    walk.saved("index tip placed")
    keypoints = written(walk.folder)[1]
    assert keypoints[0, 1] == pytest.approx([*index, 2], abs=0.3)

    page.keyboard.press("t")  # the thumb is hidden, and two pixels further to the right
    page.keyboard.press("h")
    walk.saved("thumb tip hidden")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#saved:has-text('not saved yet')")
    walk.saved("thumb tip placed")
    assert written(walk.folder)[1][0, 0].tolist() == pytest.approx([thumb[0] + 2, thumb[1], 1])

    page.keyboard.press("Enter")
    page.wait_for_selector("#name:has-text('rec-1, frame 1')")
    assert page.locator("#progress").inner_text().startswith("1 of 4 done")
    page.click("#index_tip-visibility >> text=No label")
    walk.saved("index tip no label")
    page.keyboard.press("ArrowDown")  # at once followed by the decision: both are kept
    page.keyboard.press("a")
    page.wait_for_selector(f"#name:has-text('{NAME}, frame 2')")
    page.keyboard.press("s")
    page.wait_for_selector("#name:has-text('rec-1, frame 3')")
    page.keyboard.press("u")  # takes the skip back, and shows its image
    page.wait_for_selector(f"#name:has-text('{NAME}, frame 2')")
    page.wait_for_selector("#status:has-text('Still to do')")
    page.click("#skip")
    page.wait_for_selector("#progress:has-text('3 of 4 done')")
    page.click("#back")
    page.wait_for_selector(f"#name:has-text('{NAME}, frame 2')")

    page.reload()
    page.wait_for_selector(f"#name:has-text('{NAME}, frame 2')")
    page.wait_for_selector("#status:has-text('Skipped')")
    assert page.locator("#images li").count() == 1  # still to do
    page.select_option("#filter", "accepted")
    assert page.locator("#images li").count() == 2
    images, keypoints = written(walk.folder)
    assert [image["corrected"] for image in images] == [True, True, False, False]
    assert [image.get("skipped", False) for image in images] == [False, False, True, False]
    assert keypoints[0].tolist() == [
        pytest.approx([thumb[0] + 2, thumb[1], 1]), pytest.approx([*index, 2], abs=0.3)
    ]  # fmt: skip
    shown = page.request.get(f"{walk.server.address}api/images/1?rater=AB")
    assert json.loads(shown.text())["status"] == "accepted"


def test_a_missing_tip_is_placed_where_one_clicks_and_the_box_is_dragged(walk: Walk) -> None:
    page = walk.page
    walk.drawn()
    page.click("#thumb_tip-visibility >> text=No label")
    walk.saved("thumb tip no label")
    page.mouse.click(*walk.on_screen([100, 20]))
    walk.saved("thumb tip placed")
    assert written(walk.folder)[1][0, 0] == pytest.approx([100, 20, 2], abs=0.3)
    page.keyboard.press("+")
    page.keyboard.press("+")
    page.keyboard.press("ArrowLeft")
    walk.saved("thumb tip placed")
    page.keyboard.press("0")
    content = json.loads((walk.folder / "annotations.json").read_text())
    left, top, width, height = content["annotations"][0]["bbox"]
    drag(page, walk.on_screen([left, top]), walk.on_screen([left - 5, top - 3]))
    walk.saved("box changed")
    content = json.loads((walk.folder / "annotations.json").read_text())
    wanted = [left - 5, top - 3, width + 5, height + 3]
    assert content["annotations"][0]["bbox"] == pytest.approx(wanted, abs=0.3)
    assert not written(walk.folder)[0][0]["corrected"]


def test_a_server_that_is_killed_while_it_saves_loses_nothing(walk: Walk) -> None:
    page = walk.page
    saved = 0
    for delay_ms in (0, 5, 20, 3000):
        walk.drawn()  # a key before that is not heard
        page.keyboard.press("h")
        page.wait_for_timeout(delay_ms)
        walk.server.end(signal.SIGKILL)
        entries = walk.entries()
        assert entries in (saved, saved + 1)
        # An answer that was under way may still come.
        page.wait_for_selector("#alert:has-text('Not saved'), #saved:has-text('saved:')")
        if page.locator("#saved").inner_text().startswith("saved"):
            assert entries == saved + 1
            content = json.loads((walk.folder / "annotations.json").read_text())
            assert content["info"]["label_entries"] == entries
        saved = entries
        walk.begin()
        content = json.loads((walk.folder / "annotations.json").read_text())
        assert content.get("info", {}).get("label_entries", 0) == saved
    assert saved >= 1
