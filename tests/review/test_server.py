"""The server of the review page: what it answers, and whom it refuses."""

import csv
import json
import re
import shutil
import socket
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tapscope.corrections.log import log_path, read_log
from tests.review.discs import analyzed, made_study

pytest.importorskip("starlette", reason="needs tapscope[review]")
pytest.importorskip("httpx", reason="needs httpx")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # httpx or its successor: either will do
    from starlette.testclient import TestClient

from tapscope.errors import OutputError
from tapscope.review.server import make_app, serve
from tapscope.review.session import Session
from tapscope.review.study import open_study

TOKEN = "secret"
HOME = "http://127.0.0.1:8000"
AT = f"/{TOKEN}/api/recordings"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_study(tmp_path_factory.mktemp("study"))


@pytest.fixture
def table(made: Path, tmp_path: Path) -> Path:
    """Return a study of its own for a test that corrects something."""
    shutil.copytree(made.parent, tmp_path / "study")
    return tmp_path / "study" / "features.csv"


@pytest.fixture
def page(table: Path) -> Iterator[TestClient]:
    session = Session(open_study(table, [table.parent / "videos"]))
    yield TestClient(make_app(session, TOKEN, 8000), base_url=HOME)
    session.close()


def state(page: TestClient, index: int = 1, rater: str = "AB") -> dict[str, Any]:
    answer = page.get(f"{AT}/{index}?rater={rater}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def post(page: TestClient, index: int = 1, rater: str = "AB", **asked: Any) -> dict[str, Any]:
    asked.setdefault("entries", state(page, index, rater)["entries"])
    answer = page.post(f"{AT}/{index}/corrections?rater={rater}", json=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(page: TestClient, index: int = 1, **asked: Any) -> str:
    asked.setdefault("entries", 0)
    answer = page.post(f"{AT}/{index}/corrections?rater=AB", json=asked)
    assert answer.status_code == 400
    return answer.json()["error"]


def rows_of(table: Path) -> dict[str, dict[str, str]]:
    with table.open(newline="") as file:
        return {row["recording"]: row for row in csv.DictReader(file)}


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", {}),
        ("/api/recordings?rater=AB", {}),
        ("/wrong/api/recordings?rater=AB", {}),
        (f"/{TOKEN}x/", {}),
        (f"{AT}?rater=AB", {"Origin": "https://example.org"}),
        (f"{AT}?rater=AB", {"Origin": "null"}),
        (f"{AT}?rater=AB", {"Origin": "http://127.0.0.1:8001"}),
        (f"{AT}?rater=AB", {"Host": "example.org"}),
        (f"{AT}?rater=AB", {"Host": "example.org:8000"}),
        (f"{AT}?rater=AB", {"Sec-Fetch-Site": "cross-site"}),
        (f"/{TOKEN}/", {"Sec-Fetch-Site": "same-site"}),
    ],
)
def test_strangers_are_refused(page: TestClient, path: str, headers: dict[str, str]) -> None:
    answer = page.get(path, headers=headers)
    assert answer.status_code == 403
    assert answer.text.startswith("refused")
    assert page.post(path, headers=headers, json={}).status_code == 403


def test_the_page_itself_is_answered_and_may_run_nothing_else(page: TestClient) -> None:
    for name in ("", "review.css", "review.js", "trace.js", "picture.js"):
        answer = page.get(f"/{TOKEN}/{name}", headers={"Origin": HOME})
        assert answer.status_code == 200
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in answer.headers
    html = page.get(f"/{TOKEN}/").text
    assert html.count("<script") == 1
    assert re.search(r"<[^>]* on\w+=", html) is None
    assert "style=" not in html


@pytest.mark.parametrize(
    "path",
    ["../../../etc/passwd", "..%2f..%2fetc%2fpasswd", "0/frames/../../../../etc/passwd", "99",
     "-1", "good", "1/frames/9999?view=hand", "1/frames/1?view=/etc/passwd", "1/frames/-1"],
)  # fmt: skip
def test_only_recordings_and_frames_of_the_table_are_given(page: TestClient, path: str) -> None:
    answer = page.get(f"{AT}/{path}" + ("" if "?" in path else "?rater=AB"))
    assert answer.status_code in (400, 403, 404)
    assert "root:" not in answer.text


@pytest.mark.parametrize("rater", ["", "..", "a/b", "../../x", "a%00"])
def test_no_folder_is_made_of_an_id(page: TestClient, table: Path, rater: str) -> None:
    answer = page.post(f"{AT}/1/corrections?rater={rater}", json={"entries": 0, "kind": "sign"})
    assert answer.status_code == 400
    assert not (table.with_suffix(".tapscope") / "corrections").exists()


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"x"', b"[" * 30000, b" " * 70000])
def test_bad_requests_change_nothing(page: TestClient, body: bytes) -> None:
    send = {"content": body, "headers": {"Content-Type": "application/json"}}
    assert page.post(f"{AT}/1/corrections?rater=AB", **send).status_code == 400
    form = {"content": b'{"entries": 0, "kind": "sign"}', "headers": {"Content-Type": "text/plain"}}
    assert page.post(f"{AT}/1/corrections?rater=AB", **form).status_code == 400
    assert state(page)["entries"] == 0


def test_frames_are_those_of_the_video(page: TestClient, table: Path) -> None:
    size = state(page)["size"]
    answer = page.get(f"{AT}/1/frames/50?view=full")
    assert answer.headers["content-type"] == "image/jpeg"
    with av.open(str(table.parent / "videos" / "good.mp4")) as container:
        true = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    import cv2  # noqa: PLC0415

    seen = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]
    assert list(seen.shape[1::-1]) == size
    away = [float(np.abs(seen.astype(int) - image).mean()) for image in true]
    assert away[50] < min(away) + 0.01  # pictures of the same phase look alike
    box = state(page)["boxes"]["hand"]
    crop = cv2.imdecode(
        np.frombuffer(page.get(f"{AT}/1/frames/50").content, np.uint8), cv2.IMREAD_COLOR
    )
    assert crop.shape[:2] == (box["height"], box["width"])


def test_every_correction_is_in_the_table_after_it_is_signed(page: TestClient, table: Path) -> None:
    before = rows_of(table)["good"]
    seen = state(page)
    closures = [each["time_s"] for each in seen["closures"]]
    post(page, kind="tap", before=closures[2])
    post(page, kind="tap", after=closures[3] + 0.2)
    moved = post(page, kind="tap", before=closures[4], after=closures[4] + 0.02)
    assert [each["time_s"] for each in moved["closures"] if each["placed"]] == [
        closures[3] + 0.2, closures[4] + 0.02
    ]  # fmt: skip
    start_s, end_s = seen["task_s"]
    post(page, kind="task", after=[start_s + 0.01, end_s])
    frame = seen["frames"][40]
    place = seen["tips"]["index_tip"][40]
    now = post(page, kind="tip", frame=frame, keypoint="index_tip", after=[place[0] + 3, place[1]])
    assert now["tips"]["index_tip"][40] == [place[0] + 3, place[1]]
    assert now["aperture"][40] != seen["aperture"][40]
    now = post(
        page, kind="span", after={"start_s": closures[-2] - 0.1, "end_s": end_s, "reason": "talks"}
    )
    assert now["corrections"] == now["unsigned"] == 6
    analyzed(table.parent)
    assert rows_of(table)["good"] == before  # not signed
    post(page, kind="sign")
    seen_before = (table.parent / "log").read_text()
    analyzed(table.parent)
    assert (table.parent / "log").read_text() == seen_before  # no recording was tracked again
    after = rows_of(table)["good"]
    assert (after["reviewed_by"], after["corrections"]) == ("AB", "6")
    shown = {each["name"]: each["now"] for each in now["features"]}
    assert float(after["tap_count"]) == shown["tap_count"]
    assert float(after["tapping_rate_hz"]) == pytest.approx(shown["tapping_rate_hz"], rel=1e-3)
    assert float(after["task_start_s"]) == pytest.approx(start_s + 0.01, abs=1e-5)
    assert rows_of(table)["sub/other"]["reviewed_by"] == ""
    # taken back, the row is as it was found
    for _ in range(6):
        post(page, kind="undo")
    post(page, kind="sign")
    analyzed(table.parent)
    said = {"reviewed_by": "AB", "corrections": "0"}
    assert rows_of(table)["good"] == {**before, **said}


def test_what_does_not_fit_is_refused(page: TestClient) -> None:
    seen = state(page)
    first = seen["closures"][0]["time_s"]
    assert "no closure at" in refused(page, kind="tap", before=first + 0.01)
    assert "nearer than" in refused(page, kind="tap", after=first + 0.01)
    assert "not within the recording" in refused(page, kind="tap", after=99.0)
    assert "time in seconds" in refused(page, kind="tap", after="<b>")
    assert "neither before nor after" in refused(page, kind="tap")
    assert "must come after" in refused(page, kind="task", after=[2.0, 1.0])
    assert "not within" in refused(page, kind="task", after=[-1.0, 1.0])
    assert "a reason is needed" in refused(
        page, kind="span", after={"start_s": 1.0, "end_s": 2.0, "reason": ""}
    )
    assert "no such excluded span" in refused(
        page, kind="span", before={"start_s": 1.0, "end_s": 2.0, "reason": "x"}
    )
    assert "in frame 4000" in refused(page, kind="tip", frame=4000, keypoint="index_tip")
    tip = {"kind": "tip", "frame": seen["frames"][3], "keypoint": "index_tip"}
    assert "within the image" in refused(page, **tip, after=[-1.0, 1.0])
    assert "within the image" in refused(page, **tip, after="x")
    assert "nothing to undo" in refused(page, kind="undo")
    assert "kind is 'spot'" in refused(page, kind="spot")
    assert "no recording" in refused(page, index=99, kind="sign")
    assert "no keypoints" in refused(page, index=0, kind="sign") or "empty" in refused(
        page, index=0, kind="sign"
    )
    assert state(page)["entries"] == 0


def test_two_pages_of_one_rater_do_not_overwrite_each_other(page: TestClient) -> None:
    post(page, kind="recording", after="sleeve")
    answer = page.post(f"{AT}/1/corrections?rater=AB", json={"entries": 0, "kind": "sign"})
    assert answer.status_code == 409
    assert state(page)["entries"] == 1


def test_raters_see_only_their_own_corrections(page: TestClient) -> None:
    post(page, kind="recording", after="sleeve over the hand")
    assert state(page, rater="CD")["exclusion"] == ""
    listed = page.get(f"{AT}?rater=CD").json()["recordings"]
    assert [each["entries"] for each in listed] == [0, 0, 0]
    listed = page.get(f"{AT}?rater=AB").json()["recordings"]
    assert [(each["name"], each["unsigned"]) for each in listed] == [
        ("empty", 0), ("good", 1), ("sub/other", 0)
    ]  # fmt: skip


def test_a_kill_between_two_corrections_loses_neither(page: TestClient, table: Path) -> None:
    post(page, kind="recording", after="sleeve over the hand")
    path = log_path(table.with_suffix(".tapscope"), "AB", "good")
    path.write_bytes(path.read_bytes() + b'{"entry": 2, "rater": "AB", "ut')
    seen = state(page)
    assert (seen["exclusion"], seen["entries"]) == ("sleeve over the hand", 1)
    assert "not written to its end" in seen["notes"][0]
    post(page, kind="sign")
    assert [entry.kind for entry in read_log(path).entries] == ["recording", "sign"]


def test_a_damaged_log_costs_only_its_own_recording(page: TestClient, table: Path) -> None:
    post(page, kind="recording", after="sleeve over the hand")
    path = log_path(table.with_suffix(".tapscope"), "AB", "good")
    path.write_text(path.read_text().replace('"entry": 1', '"entry": 7'))
    listed = page.get(f"{AT}?rater=AB").json()["recordings"]
    assert "expected entry 1" in listed[1]["problem"]
    assert listed[2]["problem"] == ""
    assert state(page, 2)["entries"] == 0


def test_without_videos_the_trace_is_shown(table: Path) -> None:
    (table.parent / "videos").rename(table.parent / "moved")
    record = table.with_suffix(".tapscope") / "run.json"
    content = json.loads(record.read_text())
    content["options"]["videos"] = [str(table.parent / "videos")]
    record.write_text(json.dumps(content))
    session = Session(open_study(table))
    page = TestClient(make_app(session, TOKEN, 8000), base_url=HOME)
    assert "--videos" in state(page)["videoProblem"]
    answer = page.get(f"{AT}/1/frames/3")
    assert (answer.status_code, "--videos" in answer.text) == (404, True)
    session.close()


def test_a_port_in_use_is_an_error(table: Path) -> None:
    session = Session(open_study(table, [table.parent / "videos"]))
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(OutputError, match="choose another --port"):
            serve(session, other.getsockname()[1], print)
