"""A rater's walk through the page in a real browser, and a server that is killed on the way."""

import csv
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tapscope.corrections.log import log_path, read_log
from tests.review.browser import CHROMIUM, Server, drag, new_page
from tests.review.discs import analyzed, made_study

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
pytest.importorskip("starlette", reason="needs tapscope[review]")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")

NAME = "<b>hand & one"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return made_study(tmp_path, {NAME: 2.0})


@pytest.fixture
def page() -> Iterator[Any]:
    with playwright.sync_playwright() as driver, new_page(driver) as page:
        yield page


class Walk:
    """A rater at the page; the server can be killed and started again."""

    def __init__(self, page: Any, table: Path) -> None:
        self.page = page
        self.table = table
        self.log = log_path(table.with_suffix(".tapscope"), "AB", NAME)
        self.begin()

    def begin(self) -> None:
        self.server = Server(self.table, "--videos", self.table.parent / "videos")
        self.page.goto(self.server.address)
        self.page.fill("#rater-id", "AB")
        self.page.click("text=Begin")
        self.shown(len(read_log(self.log).entries))
        self.page.click("summary")

    def shown(self, entries: int) -> None:
        """Wait until the page shows so many entries."""
        self.page.wait_for_selector("#work:not([hidden])")
        if entries:
            self.page.wait_for_selector(f"#history li:nth-child({entries})")
        assert self.page.locator("#history li").count() == entries
        assert len(read_log(self.log).entries) == entries

    def state(self) -> dict[str, Any]:
        answer = self.page.request.get(f"{self.server.address}api/recordings/0?rater=AB")
        return json.loads(answer.text())

    def closures(self) -> list[float]:
        return [each["time_s"] for each in self.state()["closures"]]

    def at(self, time_s: float, y: float) -> tuple[float, float]:
        """Return where a moment is on the trace, y pixels from its lower end or its upper."""
        box = self.page.locator("#trace").bounding_box()
        last_s = self.state()["time_s"][-1]
        x = box["x"] + 45 + time_s / last_s * (box["width"] - 52)
        return x, box["y"] + (y if y > 0 else box["height"] + y)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        drag(self.page, start, end)

    def tip_on_screen(self, tip: tuple[float, float]) -> tuple[float, float]:
        shown, hand = (
            self.page.locator("#picture").bounding_box(), self.state()["boxes"]["hand"]
        )  # fmt: skip
        scale = shown["width"] / hand["width"]
        return shown["x"] + (tip[0] - hand["x"]) * scale, shown["y"] + (tip[1] - hand["y"]) * scale


@pytest.fixture
def walk(page: Any, table: Path) -> Iterator[Walk]:
    walk = Walk(page, table)
    yield walk
    walk.server.end()


def test_a_walk_through_the_page_is_in_the_table(walk: Walk) -> None:
    page, found = walk.page, walk.state()
    before = walk.closures()
    assert page.locator("#name").inner_text() == NAME  # no markup

    page.locator("#closures button").nth(2).click()
    page.keyboard.press("Delete")
    walk.shown(1)
    page.mouse.dblclick(*walk.at(before[2] + 0.03, -90))
    walk.shown(2)
    walk.drag(walk.at(before[3], -60), walk.at(before[3] + 0.04, -60))
    walk.shown(3)
    first, last = found["task_s"]
    walk.drag(walk.at(first, 8), walk.at(first + 0.05, 8))
    walk.shown(4)
    page.mouse.click(*walk.at(last - 0.1, -120))
    page.click("#end")
    walk.shown(5)

    place = min(range(len(found["time_s"])), key=lambda n: abs(found["time_s"][n] - 1.3))
    page.mouse.click(*walk.at(found["time_s"][place], -120))
    page.wait_for_selector(f"#where:has-text('frame {found['frames'][place]}')")
    tip = walk.tip_on_screen(found["tips"]["index_tip"][place])
    walk.drag(tip, (tip[0] + 40, tip[1] - 10))
    walk.shown(6)
    page.fill("#span-start", f"{before[-2] - 0.2:.3f}")
    page.fill("#span-end", f"{before[-2] - 0.1:.3f}")
    page.fill("#span-reason", "<i>talks</i>")
    page.click("text=Exclude span")
    walk.shown(7)
    assert page.locator("#spans i").count() == 0

    page.reload()
    walk.shown(7)
    seen = walk.state()
    assert before[2] not in walk.closures()
    placed = [each["time_s"] for each in seen["closures"] if each["placed"]]
    assert placed == pytest.approx([before[2] + 0.03, before[3] + 0.04], abs=0.012)
    assert seen["task_s"] == pytest.approx([first + 0.05, last - 0.1], abs=0.02)
    assert seen["setTips"] == [[found["frames"][place], "index_tip"]]
    assert seen["spans"][0]["reason"] == "<i>talks</i>"

    page.click("#sign")
    walk.shown(8)
    walk.server.end()
    analyzed(walk.table.parent)
    with walk.table.open(newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["recording"] == NAME)
    assert (row["reviewed_by"], row["corrections"]) == ("AB", "7")
    for feature in seen["features"]:
        value = float(row[feature["name"]]) if row[feature["name"]] else None
        assert value == pytest.approx(feature["now"], rel=1e-3), feature["name"]
    assert [float(row["task_start_s"]), float(row["task_end_s"])] == pytest.approx(
        seen["task_s"], abs=1e-5
    )
    assert float(row["tap_count"]) != found["features"][0]["found"]


def test_a_server_that_is_killed_while_it_saves_loses_nothing(walk: Walk) -> None:
    page = walk.page
    saved = 0
    for delay_ms in (0, 5, 20, 3000):
        page.locator("#closures button").nth(1).click()
        page.keyboard.press(".")
        page.wait_for_timeout(delay_ms)
        walk.server.end(signal.SIGKILL)
        entries = len(read_log(walk.log).entries)
        assert entries in (saved, saved + 1)
        if page.locator("#said").inner_text().startswith("Saved"):
            assert entries == saved + 1
        else:
            page.wait_for_selector("#alert:has-text('Not saved')")
        saved = entries
        walk.begin()
    assert saved >= 1
    with walk.log.open("ab") as file:
        file.write(b'{"entry": 99, "ra')  # what a kill in the middle of a line leaves
    page.reload()
    page.wait_for_selector("#history li:has-text('was not written to its end')")
    page.click("summary")
    page.locator("#closures button").nth(1).click()
    page.keyboard.press(".")
    page.wait_for_selector(f"#history li:has-text('{saved + 1}. closure moved')")
    assert len(read_log(walk.log).entries) == saved + 1
