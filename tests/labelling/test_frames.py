"""Frames picked to be labelled: which, what is written, and the way back into training."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from tapscope.cli import frames as frames_verb
from tapscope.datasets import annotations, formats
from tapscope.datasets.convert import convert
from tapscope.datasets.formats.base import GuessedImage
from tapscope.errors import AnnotationError, OutputError, ResultsError
from tapscope.labelling.candidates import Candidate
from tapscope.labelling.doubt import doubt, known_places, most_doubtful_of_each_part
from tapscope.labelling.frames import Picked, choose, pick_frames
from tapscope.labelling.label_folder import LabelFolder
from tapscope.network import weights
from tapscope.output.columns import RECORDING
from tapscope.output.table import csv_bytes, fixed
from tapscope.pipeline.result_reader import TipTracks
from tests.cli.runner import run
from tests.hands import DotEngine, hand_shape, paint, tiny_card, tiny_weights

FRAMES = 60
HAND_PX = 45.0
"""Wrist to middle knuckle of the painted hands."""


def shape(n: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the hand of a frame: it moves slowly to the right and taps."""
    aperture = 0.35 + 0.25 * np.sin(n / 4)
    return hand_shape(130 + n, 120, aperture=aperture, size=100)


def write_video(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264rgb", rate=30, options={"qp": "0", "preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = 320, 240, "rgb24"
        for n in range(FRAMES):
            image = paint([shape(n)] if n >= 20 else [])
            for packet in video.encode(av.VideoFrame.from_ndarray(image, format="rgb24")):
                out.mux(packet)
        for packet in video.encode():
            out.mux(packet)


def write_results(folder: Path, names: Sequence[str], unsure: Sequence[int] = (33, 47)) -> Path:
    """Write a table and tracks: no hand before frame 20, then low confidence in some frames."""
    columns = [*RECORDING, "hand_px"]
    rows = []
    for name in names:
        cells = {"recording": name, "video": f"{name}.mkv", "status": "ok", "hand_px": str(HAND_PX),
                 "participant_id": f"Anna {name}"}  # fmt: skip
        rows.append([cells.get(column, "") for column in columns])
        places = np.stack([shape(n)[[4, 8]] for n in range(FRAMES)])
        places[:20] = np.nan
        sure = np.full(FRAMES, 0.95)
        sure[list(unsure)] = 0.3
        tracks = {
            "time_s": fixed(np.arange(FRAMES) / 30, 6), "frame": list(map(str, range(FRAMES))),
            "thumb_tip_x": fixed(places[:, 0, 0], 3), "thumb_tip_y": fixed(places[:, 0, 1], 3),
            "index_tip_x": fixed(places[:, 1, 0], 3), "index_tip_y": fixed(places[:, 1, 1], 3),
            "thumb_tip_confidence": fixed(sure, 3), "index_tip_confidence": fixed(sure, 3),
            "aperture_px": fixed(sure, 3), "aperture_hand": fixed(sure, 3),
        }  # fmt: skip
        file = folder / "features.tapscope" / f"{name}.tracks.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(csv_bytes(list(tracks), zip(*tracks.values(), strict=True)))
    table = folder / "features.csv"
    table.write_bytes(csv_bytes(columns, rows))
    return table


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    for name in ("anna/a", "b"):
        write_video(folder / "videos" / f"{name}.mkv")
    write_results(folder, ("anna/a", "b"))
    return folder


def picked(study: Path, out: Path, **options: bool) -> Picked:
    table = study / "features.csv"
    return pick_frames([study / "videos"], table, out, DotEngine(), count=6, **options)


def test_doubtful_frames_are_written_with_guesses(study: Path, tmp_path: Path) -> None:
    out = tmp_path / "to_label"
    done = picked(study, out)
    assert sum(done.frames.values()) == 6
    assert set(done.frames) == {"anna/a", "b"}
    content = json.loads((out / "annotations.json").read_text())
    frames = {(image["recording"], image["frame"]) for image in content["images"]}
    assert {("b", 33), ("b", 47), ("anna/a", 33), ("anna/a", 47)} <= frames
    assert min(frame for _, frame in frames) >= 20  # there is no hand before
    for image, hand in zip(content["images"], content["annotations"], strict=True):
        assert image["corrected"] is False
        pixels = cv2.imread(str(out / image["file_name"]))
        assert pixels is not None
        assert pixels.shape[:2] == (image["height"], image["width"])
        assert image["width"] < 240  # of 320: the surroundings of the hand
        tips = np.array(hand["keypoints"]).reshape(2, 3)
        away = shape(image["frame"])[[4, 8]] - tips[:, :2]
        assert np.abs(away - away.round()).max() < 1.5
        assert np.abs(away[0] - away[1]).max() < 2.0  # both moved by the corner of the image
        thumb = pixels[round(tips[0, 1]), round(tips[0, 0])][::-1].astype(int)
        assert np.abs(thumb - [80, 210, 40]).max() < 30  # the dot of the thumb's tip
    written = {str(file.relative_to(out)) for file in (out / "images").rglob("*.png")}
    assert written == {image["file_name"] for image in content["images"]}


def test_whole_frames_and_no_names_on_request(study: Path, tmp_path: Path) -> None:
    out = tmp_path / "to_label"
    picked(study, out, whole_frame=True, deidentify=True)
    content = json.loads((out / "annotations.json").read_text())
    assert {(image["width"], image["height"]) for image in content["images"]} == {(320, 240)}
    assert {image["group"] for image in content["images"]} == {"participant-01", "participant-02"}
    hand = content["annotations"][0]
    tips = np.array(hand["keypoints"]).reshape(2, 3)[:, :2]
    assert np.abs(tips - shape(content["images"][0]["frame"])[[4, 8]]).max() < 1.5
    texts = [file.read_text() for file in out.glob("*.*")]
    names = [str(file.relative_to(out)) for file in out.rglob("*")]
    assert not [text for text in (*texts, *names) if "anna" in text.lower()]


def test_guesses_are_not_trained_on_until_they_are_corrected(study: Path, tmp_path: Path) -> None:
    out = tmp_path / "to_label"
    picked(study, out)
    with pytest.raises(AnnotationError, match="no image has been corrected"):
        annotations.load(out)
    file = out / "annotations.json"
    content = json.loads(file.read_text())
    for image in content["images"][:3]:
        image["corrected"] = True
    file.write_text(json.dumps(content))
    LabelFolder(out).change(3, "accept", None, rater="AB", known=0)  # as the page does
    loaded = annotations.load(out)
    assert len(loaded) == 4
    hand = loaded.images[0].hands[0]
    box = content["annotations"][0]["bbox"]
    assert hand.size_px == pytest.approx(max(box[2:]))
    start, written = tmp_path / "start.safetensors", tmp_path / "out.safetensors"
    weights.write(start, tiny_weights().network, tiny_card())
    trained = run("train", "--data", out, "--init", start, "--out", written, "--epochs", "1",
                  "--size", "64", "--batch", "2", "--device", "cpu")  # fmt: skip
    assert trained.exit_code == 0, trained.output
    assert "before" in trained.output
    assert "after" in trained.output


def exported_by_label_studio(tasks: Path, folder: Path) -> Path:
    """Return the export after a labeller has accepted every prediction."""
    content = json.loads(tasks.read_text())
    for task in content:
        task["annotations"] = task.pop("predictions")
    file = folder / "export.json"
    file.write_text(json.dumps(content))
    return file


@pytest.mark.parametrize("tool", ["cvat", "label_studio"])
def test_labels_come_back_from_the_tools_as_they_went(
    study: Path, tmp_path: Path, tool: str
) -> None:
    out = tmp_path / "to_label"
    picked(study, out)
    source = out / "cvat.xml"
    if tool == "label_studio":
        source = exported_by_label_studio(out / "label_studio.json", tmp_path)
    done = convert(source, tmp_path / "labelled", keypoints={}, images=out)
    assert (done.images, done.keypoints) == (6, ("thumb_tip", "index_tip"))
    wanted = json.loads((out / "annotations.json").read_text())["annotations"]
    found = json.loads((tmp_path / "labelled" / "annotations.json").read_text())["annotations"]
    for one, other in zip(wanted, found, strict=True):
        np.testing.assert_allclose(one["keypoints"], other["keypoints"], atol=0.02)
        np.testing.assert_allclose(one["bbox"], other["bbox"], atol=0.03)
        assert other["bbox_is_hand"]
    hand = annotations.load(tmp_path / "labelled").images[0].hands[0]
    assert hand.size_px == pytest.approx(max(wanted[0]["bbox"][2:]), abs=0.03)


def test_label_studio_interface_offers_what_the_tasks_hold(study: Path, tmp_path: Path) -> None:
    out = tmp_path / "to_label"
    picked(study, out)
    view = ET.parse(out / "label_studio_interface.xml").getroot()
    offered = {child.get("name"): [each.get("value") for each in child] for child in view}
    for task in json.loads((out / "label_studio.json").read_text()):
        for result in task["predictions"][0]["result"]:
            (label,) = result["value"][result["type"]]
            assert label in offered[result["from_name"]]
        image = task["data"]["image"].partition("?d=")[2]
        assert (out / image).is_file()


@pytest.mark.parametrize(
    ("box", "says"),
    [
        ('<box label="hand" xtl="1" ytl="1" xbr="x" ybr="9"/>', "is no box"),
        ('<box label="hand" xtl="1" ytl="1" xbr="8" ybr="9"/>' * 2, "two boxes"),
    ],
)
def test_a_wrong_box_is_refused(tmp_path: Path, box: str, says: str) -> None:
    file = tmp_path / "annotations.xml"
    point = '<points label="thumb_tip" points="3,4"/>'
    file.write_text(f'<annotations><image id="0" name="a.png">{point}{box}</image></annotations>')
    with pytest.raises(AnnotationError, match=says):
        formats.read(file)


def test_a_video_without_row_and_an_output_that_exists_are_refused(
    study: Path, tmp_path: Path
) -> None:
    write_video(tmp_path / "other.mkv")
    with pytest.raises(ResultsError, match="no row of these videos"):
        pick_frames([tmp_path], study / "features.csv", tmp_path / "x", DotEngine(), count=2)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    with pytest.raises(OutputError, match="exists"):
        picked(study, tmp_path / "full")
    assert not (tmp_path / "x").exists()


def test_damaged_tracks_cost_their_own_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        write_video(tmp_path / "videos" / f"{name}.mkv")
    table = write_results(tmp_path, ("a", "b"))
    (tmp_path / "features.tapscope" / "a.tracks.csv").write_text("nothing\n")
    monkeypatch.setattr("tapscope.network.engine.make_engine", lambda weights, device: DotEngine())
    out = tmp_path / "to_label"
    ran = run("frames", tmp_path / "videos", "--features", table, "--n", "3", "--out", out)
    assert ran.exit_code == frames_verb.SOME_FAILED
    assert "no frame of a: " in ran.stderr
    assert "wrote 3 frames of 1 recording " in ran.stdout


def test_without_a_table_the_videos_are_analysed_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class AnalysedError(Exception):
        pass

    def analyze(options: Any, *_: object) -> None:
        assert (options.videos, options.out) == ((tmp_path,), tmp_path / "features.csv")
        raise AnalysedError

    monkeypatch.setattr("tapscope.pipeline.analyze.analyze_videos", analyze)
    with pytest.raises(AnalysedError):
        run("frames", tmp_path, "--features", tmp_path / "features.csv", "--out", tmp_path / "x")


def tracks(places: np.ndarray[Any, np.dtype[np.float64]], sure: float = 0.9) -> TipTracks:
    n = len(places)
    return TipTracks(
        time_s=np.arange(n) / 30, frame=np.arange(n), position_px=places,
        confidence=np.full((n, 2), sure), aperture_px=np.zeros(n), aperture_hand=np.zeros(n),
    )  # fmt: skip


def test_doubt_grows_with_jumps_speed_and_lost_tips() -> None:
    places = np.zeros((60, 2, 2))
    places[:, 1] = (0, 20)
    still = doubt(tracks(places), 50)
    np.testing.assert_allclose(still, 0.1, atol=1e-9)
    places[10, 0] = (40, 0)
    assert doubt(tracks(places), 50)[10] > 1.0
    places[10, 0] = 0
    places[30:, 1, 1] = 20 + 10 * np.arange(30)  # 300 px a second
    assert doubt(tracks(places), 50)[45] == pytest.approx(0.1 + 0.5 * 300 / 400)
    places[20:22] = np.nan
    assert doubt(tracks(places), 50)[20] >= 1.0
    places[:18] = np.nan
    assert np.isnan(doubt(tracks(places), 50)).tolist() == [True] * 3 + [False] * 57
    assert np.isnan(doubt(tracks(places * np.nan), 50)).all()
    assert known_places(tracks(places))[20].tolist() == [[0, 0], [0, 20]]


def test_doubtful_pictures_are_spread_over_time() -> None:
    doubts = np.zeros(100)
    doubts[[24, 25, 26, 70]] = (1.0, 1.2, 0.9, 0.5)
    doubts[:5] = np.nan
    chosen = most_doubtful_of_each_part(doubts, 4)
    assert len(chosen) == 4
    assert {24, 70} <= set(chosen.tolist())
    assert np.diff(chosen).min() >= 100 / 16
    assert most_doubtful_of_each_part(np.full(5, np.nan), 3).tolist() == []


def candidate(recording: str, frame: int, doubt: float, grey: float) -> Candidate:
    guess = GuessedImage(f"{recording}{frame}", 90, 90, {"thumb_tip": (5, 5)}, (0, 0, 80, 80))
    return Candidate(recording, recording, frame, 0.0, doubt, 0.0, guess, np.full((4, 4), grey))


def test_every_recording_gives_frames_and_like_ones_come_last() -> None:
    loud = [candidate("loud", n, 2 + n / 10, 50.0 * n) for n in range(4)]
    same = [candidate("same", n, 1.5, 100.0) for n in range(3)]
    quiet = [candidate("quiet", n, 0.1, 50.0 * n) for n in range(2)]
    chosen = choose([*loud, *same, *quiet], 6)
    assert [one.recording for one in chosen] == [*["loud"] * 4, "same", "quiet"]
    assert len(choose([*loud, *same, *quiet], 9)) == 9
    assert [one.recording for one in choose(same, 2)] == ["same", "same"]
