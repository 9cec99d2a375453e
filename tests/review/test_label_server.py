"""The server of the page about labels: what it answers, and whom it refuses."""

import json
import re
import socket
import warnings
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tapscope.datasets import annotations
from tapscope.labelling.label_folder import LabelFolder
from tapscope.labelling.label_log import read_log
from tests.labelling.to_label import made_folder, true_tips, written

pytest.importorskip("starlette", reason="needs tapscope[review]")
pytest.importorskip("httpx", reason="needs httpx")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # httpx or its successor: either will do
    from starlette.testclient import TestClient

from tapscope.errors import OutputError
from tapscope.review.label_server import make_label_app, serve_labels
from tapscope.review.label_session import LabelSession

TOKEN = "secret"
HOME = "http://127.0.0.1:8000"
AT = f"/{TOKEN}/api/images"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return made_folder(tmp_path / "to_label")


@pytest.fixture
def page(folder: Path) -> TestClient:
    session = LabelSession(LabelFolder(folder))
    return TestClient(make_label_app(session, TOKEN, 8000), base_url=HOME)


def image(page: TestClient, index: int = 1, rater: str = "AB") -> dict[str, Any]:
    answer = page.get(f"{AT}/{index}?rater={rater}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def post(page: TestClient, index: int = 1, rater: str = "AB", **asked: Any) -> dict[str, Any]:
    asked.setdefault("entries", image(page, index, rater)["entries"])
    answer = page.post(f"{AT}/{index}/labels?rater={rater}", json=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", {}),
        ("/api/images?rater=AB", {}),
        ("/wrong/api/images?rater=AB", {}),
        (f"{AT}?rater=AB", {"Origin": "https://example.org"}),
        (f"{AT}/0/picture", {"Origin": "null"}),
        (f"{AT}/0/labels?rater=AB", {"Origin": "http://127.0.0.1:8001"}),
        (f"/{TOKEN}/api/undo?rater=AB", {"Host": "example.org:8000"}),
        (f"{AT}/0/labels?rater=AB", {"Sec-Fetch-Site": "cross-site"}),
        (f"/{TOKEN}/", {"Sec-Fetch-Site": "same-site"}),
    ],
)
def test_strangers_are_refused(
    page: TestClient, folder: Path, path: str, headers: dict[str, str]
) -> None:
    answer = page.get(path, headers=headers)
    assert answer.status_code == 403
    assert answer.text.startswith("refused")
    asked = {"kind": "accept", "entries": 0}
    assert page.post(path, headers=headers, json=asked).status_code == 403
    assert not (folder / "labels.jsonl").exists()


def test_the_page_itself_is_answered_and_may_run_nothing_else(page: TestClient) -> None:
    html = page.get(f"/{TOKEN}/").text
    scripts = re.findall(r'(?:src|href)="([\w.]+)"', html)
    assert set(scripts) == {"review.css", "labels.js"}
    texts = [page.get(f"/{TOKEN}/{script}").text for script in ("labels.js", "label_image.js")]
    imported = {name for text in texts for name in re.findall(r'from "\./([\w.]+)"', text)}
    assert imported == {"label_image.js", "page.js", "marker.js"}
    for name in ("", *scripts, *imported):
        answer = page.get(f"/{TOKEN}/{name}", headers={"Origin": HOME})
        assert answer.status_code == 200
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in answer.headers
    assert html.count("<script") == 1
    assert re.search(r"<[^>]* on\w+=", html) is None
    assert "style=" not in html


@pytest.mark.parametrize(
    "path",
    ["../../../etc/passwd", "..%2f..%2fannotations.json", "0/picture/../../../../etc/passwd",
     "99", "-1", "99/picture", "rec-0", "images/rec-0_f000000.png", "review.html"],
)  # fmt: skip
def test_only_images_of_the_folder_are_given(page: TestClient, path: str) -> None:
    answer = page.get(f"{AT}/{path}?rater=AB")
    assert answer.status_code in (400, 403, 404)
    assert "root:" not in answer.text
    assert "categories" not in answer.text


def test_an_image_that_leads_elsewhere_later_is_refused(page: TestClient, folder: Path) -> None:
    secret = folder.parent / "secret.png"
    secret.write_bytes((folder / "images" / "rec-0_f000000.png").read_bytes())
    file = folder / "annotations.json"
    file.write_text(file.read_text().replace("images/rec-0_f000000.png", "../secret.png"))
    answer = page.get(f"{AT}/0/picture")
    assert (answer.status_code, "leads out of the folder" in answer.text) == (400, True)


@pytest.mark.parametrize("rater", ["", "..", "a/b", "a%00"])
def test_a_change_needs_an_id(page: TestClient, folder: Path, rater: str) -> None:
    asked = {"kind": "accept", "entries": 0}
    assert page.post(f"{AT}/1/labels?rater={rater}", json=asked).status_code == 400
    assert page.post(f"/{TOKEN}/api/undo?rater={rater}", json={}).status_code == 400
    assert not (folder / "labels.jsonl").exists()


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"x"', b"[" * 30000, b" " * 70000])
def test_bad_requests_change_nothing(page: TestClient, folder: Path, body: bytes) -> None:
    send = {"content": body, "headers": {"Content-Type": "application/json"}}
    form = {"content": b'{"kind": "accept", "entries": 0}',
            "headers": {"Content-Type": "text/plain"}}  # fmt: skip
    for path in (f"{AT}/1/labels?rater=AB", f"/{TOKEN}/api/undo?rater=AB"):
        assert page.post(path, **send).status_code == 400
        assert page.post(path, **form).status_code == 400
    for asked in ({"kind": 1}, {"kind": "thumb_tip", "after": "x"}, {"kind": "box", "after": [1]}):
        assert page.post(f"{AT}/1/labels?rater=AB", json={**asked, "entries": 0}).status_code == 400
    assert not (folder / "labels.jsonl").exists()


def test_the_picture_holds_the_pixels_of_training(page: TestClient, folder: Path) -> None:
    answer = page.get(f"{AT}/2/picture")
    assert answer.headers["content-type"] == "image/png"
    seen = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
    true = cv2.imread(str(folder / "images" / "rec-0_f000002.png"))
    assert true is not None
    assert seen is not None
    np.testing.assert_array_equal(seen, true)
    (folder / "images" / "rec-0_f000002.png").write_bytes(b"no image")
    answer = page.get(f"{AT}/2/picture")
    assert (answer.status_code, "cannot be read as an image" in answer.text) == (400, True)


def test_a_session_of_corrections_is_what_training_reads(page: TestClient, folder: Path) -> None:
    first = page.get(f"{AT}?rater=AB").json()
    assert [each["status"] for each in first["images"]] == ["to do"] * 4
    assert (first["folder"], first["canUndo"], first["notes"]) == ("to_label", False, [])
    now = post(page, 0, kind="index_tip", after=[*true_tips(0)[1], 2])
    assert now["tips"]["index_tip"] == [*true_tips(0)[1], 2]
    assert now["history"][0]["kind"] == "index_tip"
    assert post(page, 0, kind="accept")["status"] == "accepted"
    assert post(page, 1, kind="thumb_tip", after=[*true_tips(1)[0], 1])["entries"] == 1
    post(page, 1, kind="accept")
    assert post(page, 2, kind="skip")["status"] == "skipped"
    assert post(page, 3, kind="accept", rater="CD")["canUndo"]
    undone = page.post(f"/{TOKEN}/api/undo?rater=CD", json={}).json()
    assert (undone["index"], undone["status"], undone["canUndo"]) == (3, "to do", False)
    loaded = annotations.load(folder)
    assert [image.path.name for image in loaded.images] == [
        "rec-0_f000000.png", "rec-1_f000001.png"
    ]  # fmt: skip
    np.testing.assert_allclose(loaded.images[0].hands[0].position_px, true_tips(0))
    assert loaded.images[1].hands[0].label.tolist() == [annotations.Label.HIDDEN, 2]
    assert {entry.rater for entry in read_log(folder / "labels.jsonl").entries} == {"AB", "CD"}


def test_a_page_that_is_behind_is_refused(page: TestClient, folder: Path) -> None:
    post(page, kind="accept")
    answer = page.post(f"{AT}/1/labels?rater=CD", json={"kind": "skip", "entries": 0})
    assert answer.status_code == 409
    assert written(folder)[0][1]["corrected"]


def test_names_are_given_as_they_are(folder: Path) -> None:
    file = folder / "annotations.json"
    content = json.loads(file.read_text())
    content["images"][0]["recording"] = "<img src=x onerror=alert(1)>"
    file.write_text(json.dumps(content))
    session = LabelSession(LabelFolder(folder))
    answer = TestClient(make_label_app(session, TOKEN, 8000), base_url=HOME).get(f"{AT}?rater=AB")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.json()["images"][0]["recording"] == "<img src=x onerror=alert(1)>"


def test_a_port_in_use_is_an_error(folder: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(OutputError, match="choose another --port"):
            serve_labels(LabelSession(LabelFolder(folder)), other.getsockname()[1], print)
