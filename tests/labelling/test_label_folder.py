"""Correct a folder of labels: what is on the disk afterwards, and after a kill in the middle."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tapscope.datasets import annotations
from tapscope.datasets.annotations import Label
from tapscope.errors import AnnotationError, ConflictError, CorrectionsError, OutputError
from tapscope.labelling import label_folder, label_log
from tapscope.labelling.label_folder import LabelFolder
from tapscope.labelling.label_log import read_log
from tests.labelling.to_label import made_folder, true_tips, written


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return made_folder(tmp_path / "to_label")


def known(labels: LabelFolder, index: int) -> int:
    return len(labels.frames()[index].history)


def change(labels: LabelFolder, index: int, kind: str, after: object = None) -> None:
    labels.change(index, kind, after, rater="AB", known=known(labels, index))


def kept(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "annotations.json").read_text())
    return content


def test_a_change_is_in_both_files_and_nothing_else_is_touched(folder: Path) -> None:
    before = kept(folder)
    labels = LabelFolder(folder)
    assert kept(folder) == before  # looking changes nothing
    change(labels, 1, "index_tip", [40.256, 30, 2])
    images, keypoints = written(folder)
    np.testing.assert_allclose(keypoints[1, 1], [40.26, 30, 2])
    (entry,) = read_log(folder / "labels.jsonl").entries
    assert (entry.rater, entry.image, entry.kind) == ("AB", "images/rec-1_f000001.png", "index_tip")
    assert entry.before.index_tip.x == pytest.approx(true_tips(1)[1][0] + 6)
    assert (entry.after.index_tip.x, entry.after.index_tip.visibility) == (40.26, 2)
    assert entry.utc.endswith("+00:00")
    now = kept(folder)
    assert now["info"] == {**before["info"], "label_entries": 1}
    assert [image["corrected"] for image in images] == [False] * 4
    for part in ("images", "annotations"):
        assert [row for n, row in enumerate(now[part]) if n != 1] == [
            row for n, row in enumerate(before[part]) if n != 1
        ]
    assert (folder / "cvat.xml").read_text() == "guesses"
    change(labels, 1, "index_tip", [40.26, 30, 2])  # no change, no entry
    assert len(read_log(folder / "labels.jsonl").entries) == 1


def test_training_learns_from_accepted_images_as_they_were_labelled(folder: Path) -> None:
    labels = LabelFolder(folder)
    change(labels, 0, "index_tip", [*true_tips(0)[1], 2])
    change(labels, 0, "accept")
    change(labels, 1, "thumb_tip", [20, 30, 1])
    change(labels, 1, "index_tip", [99, 99, 0])
    change(labels, 1, "box", [10, 12, 90, 100])
    change(labels, 1, "accept")
    change(labels, 2, "skip")
    loaded = annotations.load(folder)
    assert [image.path.name for image in loaded.images] == [
        "rec-0_f000000.png", "rec-1_f000001.png"
    ]  # fmt: skip
    first, second = (image.hands[0] for image in loaded.images)
    np.testing.assert_allclose(first.position_px, true_tips(0))
    assert first.label.tolist() == [Label.SURE, Label.SURE]
    assert second.label.tolist() == [Label.HIDDEN, Label.NONE]
    assert second.position_px[0].tolist() == [20, 30]
    assert second.box_px.tolist() == [10, 12, 90, 100]
    assert kept(folder)["annotations"][1]["num_keypoints"] == 1
    assert [frame.labels.status for frame in labels.frames()] == [
        "accepted", "accepted", "skipped", "to do"
    ]  # fmt: skip
    change(labels, 0, "skip")  # an accepted image is no longer learned from
    assert len(annotations.load(folder)) == 1
    change(labels, 2, "accept")
    assert "skipped" not in kept(folder)["images"][2]


def test_undo_takes_back_the_raters_own_last_change(folder: Path) -> None:
    labels = LabelFolder(folder)
    change(labels, 0, "thumb_tip", [20, 30, 0])
    change(labels, 1, "accept")
    labels.change(3, "skip", None, rater="CD", known=0)
    assert labels.undo("AB")[0] == 1
    index, frames = labels.undo("AB")
    assert index == 0
    assert frames == labels.frames()
    images, keypoints = written(folder)
    assert keypoints[0, 0].tolist() == [*true_tips(0)[0], 2]
    assert not images[1]["corrected"]
    assert images[3]["skipped"]
    with pytest.raises(CorrectionsError, match="nothing to undo"):
        labels.undo("AB")
    kinds = [(entry.kind, entry.undone) for entry in read_log(folder / "labels.jsonl").entries]
    assert kinds[3:] == [("undo", 2), ("undo", 1)]
    change(labels, 3, "accept")
    with pytest.raises(CorrectionsError, match="changed since by somebody else"):
        labels.undo("CD")


class KilledError(Exception):
    pass


@pytest.mark.parametrize("saved", [0, 2])
def test_a_kill_between_the_files_loses_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, saved: int
) -> None:
    labels = LabelFolder(folder)
    for n in range(saved):
        change(labels, n, "accept")
    before = (folder / "annotations.json").read_bytes()

    def killed(path: Path, content: bytes) -> None:
        if b'"label_entries": 0' not in content:
            raise KilledError
        real(path, content)

    real = label_folder.write_atomically
    monkeypatch.setattr(label_folder, "write_atomically", killed)
    with pytest.raises(KilledError):
        change(labels, 3, "index_tip", [50, 51, 1])
    monkeypatch.undo()
    if saved:
        assert (folder / "annotations.json").read_bytes() == before
    opened = LabelFolder(folder)
    assert opened.notes == ()
    images, keypoints = written(folder)
    assert keypoints[3, 1].tolist() == [50, 51, 1]
    assert [image["corrected"] for image in images] == [n < saved for n in range(4)]
    assert kept(folder)["info"]["label_entries"] == saved + 1


def test_a_part_of_a_line_is_ignored_with_a_note(folder: Path) -> None:
    labels = LabelFolder(folder)
    change(labels, 0, "accept")
    with (folder / "labels.jsonl").open("ab") as file:
        file.write(b'{"entry": 2, "ra')
    opened = LabelFolder(folder)
    assert "line 3 was not written to its end" in opened.notes[0]
    change(opened, 1, "accept")
    assert [entry.number for entry in read_log(folder / "labels.jsonl").entries] == [1, 2]


def test_an_older_copy_of_the_labels_is_brought_up_to_date(folder: Path) -> None:
    labels = LabelFolder(folder)
    change(labels, 0, "accept")
    old = (folder / "annotations.json").read_bytes()
    change(labels, 0, "thumb_tip", [9, 9, 2])
    change(labels, 1, "accept")
    now = kept(folder)
    (folder / "annotations.json").write_bytes(old)
    LabelFolder(folder)
    assert kept(folder) == now


def test_what_another_program_changed_stays(folder: Path) -> None:
    labels = LabelFolder(folder)
    change(labels, 0, "accept")
    content = kept(folder)
    content["images"][0]["corrected"] = False
    (folder / "annotations.json").write_text(json.dumps(content))
    assert LabelFolder(folder).frames()[0].labels.status == "to do"
    del content["info"]
    (folder / "annotations.json").write_text(json.dumps(content))
    opened = LabelFolder(folder)
    assert "another program wrote it" in opened.notes[0]
    assert opened.frames()[0].labels.status == "to do"
    assert kept(folder)["info"] == {"label_entries": 1}


def test_two_pages_do_not_overwrite_each_other(folder: Path) -> None:
    one, other = LabelFolder(folder), LabelFolder(folder)
    change(one, 0, "index_tip", [50, 50, 2])
    with pytest.raises(ConflictError, match="look again"):
        other.change(0, "index_tip", [60, 60, 2], rater="CD", known=0)
    other.change(1, "accept", None, rater="CD", known=0)
    images, keypoints = written(folder)
    assert keypoints[0, 1].tolist() == [50, 50, 2]
    assert images[1]["corrected"]


def test_a_disk_that_is_full_is_an_error_and_the_log_is_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = LabelFolder(folder)
    change(labels, 0, "accept")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(label_log, "append_lines", full)
    with pytest.raises(OutputError, match=r"labels.jsonl: cannot be written \(No space"):
        change(labels, 1, "accept")
    monkeypatch.undo()
    assert not written(folder)[0][1]["corrected"]
    monkeypatch.setattr(label_folder, "write_atomically", full)
    with pytest.raises(OutputError, match=r"annotations.json: cannot be written \(No space"):
        change(labels, 2, "accept")
    monkeypatch.undo()
    assert not written(folder)[0][2]["corrected"]
    change(labels, 3, "accept")  # room again: what was in the log already is brought along
    assert [row["corrected"] for row in written(folder)[0]] == [True, False, True, True]


@pytest.mark.parametrize(
    ("kind", "after", "says"),
    [
        ("thumb_tip", [1, 2], "must be 3 numbers"),
        ("thumb_tip", [1, 2, 3], "visibility is 3"),
        ("thumb_tip", [1, float("nan"), 2], "must hold numbers"),
        ("thumb_tip", [True, 1, 2], "must hold numbers"),
        ("index_tip", [160, 3, 2], "within the image"),
        ("index_tip", [-1, 3, 1], "within the image"),
        ("box", [10, 10, 10, 20], "wider and higher"),
        ("box", [0, 0, 500, 20], "within the image"),
        ("undo", None, "kind is 'undo'"),
        ("sign", None, "kind is 'sign'"),
    ],
)
def test_what_is_no_label_is_refused(folder: Path, kind: str, after: object, says: str) -> None:
    before = (folder / "annotations.json").read_bytes()
    with pytest.raises(CorrectionsError, match=says):
        change(LabelFolder(folder), 0, kind, after)
    assert (folder / "annotations.json").read_bytes() == before
    assert not (folder / "labels.jsonl").exists()


def spoilt(folder: Path, part: str, index: int | None, **changes: object) -> None:
    content = kept(folder)
    row = content[part] if index is None else content[part][index]
    row.update(changes)
    (folder / "annotations.json").write_text(json.dumps(content))


def test_a_folder_of_another_kind_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match="holds no annotations"):
        LabelFolder(tmp_path / "absent")
    whole = (folder / "annotations.json").read_text()
    for part, index, changes, says in (
        ("annotations", 1, {"image_id": 1}, "has 2 hands; expected one"),
        ("annotations", 0, {"keypoints": [1, 2, 2]}, "expected one, with the keypoints"),
        ("annotations", 0, {"bbox": None}, "is not what 'tapscope frames' writes"),
        ("annotations", 0, {"area": float("nan")}, "is not what 'tapscope frames' writes"),
        ("categories", 0, {"keypoints": ["nose", "ear"]}, "expected one, with the keypoints"),
        ("images", 0, {"file_name": "../secret.png"}, "leads out of the folder"),
        ("images", 0, {"file_name": "/etc/passwd"}, "leads out of the folder"),
        ("images", 0, {"width": "wide"}, "is not what 'tapscope frames' writes"),
    ):
        spoilt(folder, part, index, **changes)
        with pytest.raises(AnnotationError, match=says):
            LabelFolder(folder)
        (folder / "annotations.json").write_text(whole)
    (tmp_path / "secret.png").write_bytes(b"secret")
    (folder / "images" / "rec-0_f000000.png").unlink()
    (folder / "images" / "rec-0_f000000.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(AnnotationError, match="leads out of the folder"):
        LabelFolder(folder)


def test_a_log_that_does_not_fit_is_refused(folder: Path) -> None:
    labels = LabelFolder(folder)
    change(labels, 0, "accept")
    change(labels, 1, "accept")
    log = folder / "labels.jsonl"
    lines = log.read_text().splitlines(keepends=True)
    for content, says in (
        ("".join(lines[:2]), "holds 1 entries, annotations.json 2; restore it from a copy"),
        (lines[0] + lines[2], "expected entry 1, found entry 2"),
        ("".join(lines).replace('"accept"', '"sign"', 1), "line 2: kind is 'sign'"),
        ("".join(lines[1:]), "line 1: format is None"),
        (lines[0].replace('sha256": "', 'sha256": "0') + lines[1], "about other images"),
    ):
        log.write_text(content)
        with pytest.raises(CorrectionsError, match=says):
            LabelFolder(folder)
