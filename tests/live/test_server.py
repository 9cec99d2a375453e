"""The server of the live page: what it answers, and whom it refuses."""

import re
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="needs tapscope[review]")
pytest.importorskip("httpx", reason="needs httpx")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # httpx or its successor: either will do
    from starlette.testclient import TestClient

from tapscope.live import server
from tapscope.live.run import LiveRun
from tapscope.live.server import make_app
from tapscope.pipeline.batch import BatchResult
from tests.live.fakes import PaintedSource, interruptible, painted_session

TOKEN = "secret"
HOME = "http://127.0.0.1:8000"


@pytest.fixture
def run(tmp_path: Path) -> LiveRun:
    source = PaintedSource(10_000)
    session = painted_session(source, tmp_path, "")
    return LiveRun(session, lambda folder: BatchResult({}, {}, 0, False), lambda line: None)


@pytest.fixture
def page(run: LiveRun) -> Iterator[TestClient]:
    yield TestClient(make_app(run, TOKEN, 8000), base_url=HOME)
    run.session.close()


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", {}),
        ("/api/state", {}),
        ("/frames/first", {}),
        ("/wrong/frames/first", {}),
        (f"/{TOKEN}/frames/first", {"Origin": "https://example.org"}),
        (f"/{TOKEN}/api/state", {"Origin": "null"}),
        (f"/{TOKEN}/api/start", {"Origin": "http://127.0.0.1:8001"}),
        (f"/{TOKEN}/frames/first", {"Host": "example.org"}),
        (f"/{TOKEN}/frames/first", {"Sec-Fetch-Site": "cross-site"}),
    ],
)
def test_strangers_are_refused(page: TestClient, path: str, headers: dict[str, str]) -> None:
    answer = page.get(path, headers=headers)
    assert answer.status_code == 403
    assert answer.text.startswith("refused")
    assert page.post(path, headers=headers, json={}).status_code == 403


def test_the_message_names_the_command(page: TestClient) -> None:
    assert "'tapscope live' printed" in page.get("/wrong/").text


def test_the_page_itself_is_answered_and_may_run_nothing_else(page: TestClient) -> None:
    for name in ("", "live.css", "live.js"):
        answer = page.get(f"/{TOKEN}/{name}", headers={"Origin": HOME})
        assert answer.status_code == 200
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
    html = page.get(f"/{TOKEN}/").text
    assert html.count("<script") == 1
    assert re.search(r"<[^>]* on\w+=", html) is None
    assert "style=" not in html
    script = page.get(f"/{TOKEN}/live.js").text
    assert set(re.findall(r'at\("([\w-]+)"\)', script)) <= set(re.findall(r'id="([\w-]+)"', html))
    assert "innerHTML" not in script


def test_frames_come_one_after_the_other(page: TestClient, run: LiveRun) -> None:
    run.session.start()
    address, number = "frames/first", -1
    for _ in range(5):
        while (answer := page.get(f"/{TOKEN}/{address}")).status_code == 204:
            pass  # none yet: a slow machine
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.content.startswith(b"\xff\xd8")
        assert int(answer.headers["x-frame-number"]) > number
        number = int(answer.headers["x-frame-number"])
        address = f"frames/after/{number}"


def test_where_no_frame_comes_there_is_none(
    page: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_FRAME_WAIT_S", 0.0)
    assert page.get(f"/{TOKEN}/frames/first").status_code == 204


def test_a_test_is_begun_recorded_and_shown_with_its_result(
    page: TestClient, run: LiveRun, tmp_path: Path
) -> None:
    halted = threading.Event()
    interruptible(run.session, halted)

    def watch() -> None:
        with pytest.raises(KeyboardInterrupt):
            run.run_tests()

    running = threading.Thread(target=watch)
    running.start()
    answer = page.post(f"/{TOKEN}/api/start", json={"name": "P07_left_1"})
    assert answer.json() == {"name": "P07_left_1"}
    state = page.get(f"/{TOKEN}/api/state").json()
    while state["result"] is None:
        assert not state["problem"]
        time.sleep(0.05)
        state = page.get(f"/{TOKEN}/api/state").json()
    assert state["result"]["name"] == "P07_left_1"
    assert state["result"]["frames"] > 10
    assert set(state["result"]["cells"].values()) == {None}  # nothing was measured here
    assert (tmp_path / "P07_left_1.mp4").exists()
    refused = page.post(f"/{TOKEN}/api/start", json={"name": "P07_left_1"})
    while refused.status_code == 200:  # it was still measuring
        refused = page.post(f"/{TOKEN}/api/start", json={"name": "P07_left_1"})
    assert refused.status_code == 400
    assert "exists" in refused.json()["error"]
    halted.set()
    running.join(60)
    assert not running.is_alive()


@pytest.mark.parametrize("name", ["../x", "a/b", 7, None])
def test_bad_names_are_refused(page: TestClient, name: object) -> None:
    answer = page.post(f"/{TOKEN}/api/start", json={"name": name})
    assert answer.status_code == 400
    assert "name" in answer.json()["error"]


def test_forms_of_other_pages_are_refused(page: TestClient) -> None:
    for path in ("start", "insist", "cancel"):
        answer = page.post(f"/{TOKEN}/api/{path}", data={"name": "x"})
        assert answer.status_code == 400
        assert answer.json()["error"] == "send JSON"


def test_a_test_that_is_prepared_can_be_cancelled(page: TestClient, run: LiveRun) -> None:
    assert page.post(f"/{TOKEN}/api/start", json={"name": "x"}).status_code == 200
    assert run.session._guide.phase == "preparing"
    assert page.post(f"/{TOKEN}/api/insist", json={}).status_code == 200
    assert page.post(f"/{TOKEN}/api/cancel", json={}).status_code == 200
    assert run.session._guide.phase == "watching"
