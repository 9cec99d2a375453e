"""Labels of labelling tools become folders to train on; what is doubtful is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
import pytest
from typer.testing import CliRunner

from tapscope.cli import app
from tapscope.datasets import annotations
from tapscope.datasets.convert import Converted, convert
from tapscope.errors import AnnotationError, OutputError

KEYPOINTS = {"thumb": "thumb_tip", "pointer": "index_tip"}
FRAMES = ("img0010.png", "img0200.png")
PLACES = {"thumb": [(10.0, 20.5), (11.0, 21.0)], "pointer": [(30.25, 40.0), None]}
SIZE = (64, 48)


def images(folder: Path, names: tuple[str, ...] = FRAMES) -> None:
    """Write grey images, each of another grey."""
    for number, name in enumerate(names):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(file), np.full((SIZE[1], SIZE[0], 3), 40 * number + 40, np.uint8))


def deeplabcut(folder: Path, *, index_cells: int = 3) -> Path:
    """Write a project with one video and two frames, in the second no pointer."""
    video = folder / "labeled-data" / "pat 1, left"
    images(video)
    lead = [""] * (index_cells - 1)
    lines = [
        ["scorer", *lead, *["me"] * 4],
        ["bodyparts", *lead, "thumb", "thumb", "pointer", "pointer"],
        ["coords", *lead, "x", "y", "x", "y"],
    ]
    for number, name in enumerate(FRAMES):
        path = ["labeled-data", video.name, name]
        cells = [cell for part in PLACES for cell in (PLACES[part][number] or ("", ""))]
        lines.append([*(path if index_cells == 3 else ["/".join(path)]), *map(str, cells)])
    text = "\n".join(",".join(f'"{c}"' if "," in c else c for c in line) for line in lines)
    (video / "CollectedData_me.csv").write_text(text + "\n")
    return folder


def as_hdf(csv_file: Path) -> Path:
    """Write what pandas' to_hdf (fixed format) makes of `deeplabcut`, in place of the CSV.

    Whole numbers make a block of their own there, so that two blocks are written.
    """
    levels = {"scorer": ["me"], "bodyparts": ["thumb", "pointer"], "coords": ["x", "y"]}
    rows = [["labeled-data"], [csv_file.parent.name], list(FRAMES)]
    numbers = [
        [number for part in PLACES for number in (PLACES[part][n] or (np.nan, np.nan))]
        for n in range(2)
    ]
    with h5py.File(csv_file.with_suffix(".h5"), "w") as file:
        frame = file.create_group("df_with_missing")
        frame.attrs["nblocks"] = 2
        for block, (first, last) in enumerate([(0, 1), (1, 4)]):
            members = range(first, last)
            codes = [[0 for _ in members], [m // 2 for m in members], [m % 2 for m in members]]
            for n, (name, values) in enumerate(levels.items()):
                level = f"block{block}_items_level{n}"
                frame[level] = np.array(values, dtype="S")
                frame[level].attrs["name"] = np.bytes_(name)
                frame[f"block{block}_items_label{n}"] = np.array(codes[n], dtype=np.int8)
            frame[f"block{block}_values"] = np.array(numbers)[:, first:last]
        for n, values in enumerate(rows):
            frame[f"axis1_level{n}"] = np.array(values, dtype="S")
            frame[f"axis1_label{n}"] = np.arange(2, dtype=np.int8) % len(values)
    csv_file.unlink()
    return csv_file.with_suffix(".h5")


def cvat(folder: Path, inner: str, *, name: str = "clip_000001.png") -> Path:
    """Write an export with one image."""
    images(folder / "images", (name,))
    (folder / "annotations.xml").write_text(
        "<?xml version='1.0'?><annotations><version>1.1</version>"
        f'<image id="0" name="{name}" width="64" height="48">{inner}</image></annotations>'
    )
    return folder


def point(label: str, places: str, more: str = "") -> str:
    return f'<points label="{label}" occluded="0" points="{places}" {more}/>'


def label_studio(
    folder: Path, change: Callable[[dict[str, Any]], None] = lambda task: None
) -> Path:
    """Write an export with one image."""
    images(folder / "pics", ("frame_7.png",))
    task = {
        "id": 1,
        "data": {"image": "/data/upload/3/1a2b3c4d-frame_7.png"},
        "annotations": [
            {
                "was_cancelled": False,
                "result": [
                    {
                        "type": "keypointlabels",
                        "original_width": SIZE[0],
                        "original_height": SIZE[1],
                        "image_rotation": 0,
                        "value": {"x": x, "y": y, "width": 0.5, "keypointlabels": [label]},
                    }
                    for label, x, y in (("Thumb tip", 50, 25), ("index_tip", 75, 50))
                ],
            }
        ],
    }
    change(task)
    file = folder / "export.json"
    file.write_text(json.dumps([task]))
    return file


def places_of(folder: Path) -> list[dict[str, list[float]]]:
    """Return the labelled keypoints of every hand, as training reads them."""
    found = annotations.load(folder)
    return [
        {
            keypoint: place.tolist()
            for keypoint, place, seen in zip(
                found.keypoints, hand.position_px, hand.label, strict=True
            )
            if seen
        }
        for image in found.images
        for hand in image.hands
    ]


@pytest.mark.parametrize("index_cells", [1, 3])
@pytest.mark.parametrize("stored", ["csv", "hdf"])
def test_deeplabcut(index_cells: int, stored: str, tmp_path: Path) -> None:
    project = deeplabcut(tmp_path / "my project", index_cells=index_cells)
    if stored == "hdf":
        as_hdf(next(project.rglob("*.csv")))
    out = tmp_path / "out"
    done = convert(project, out, keypoints=KEYPOINTS, licence="CC0")
    assert done == Converted(
        "DeepLabCut (CollectedData CSV or HDF5)", 2, 2, ("thumb_tip", "index_tip"), (), 0
    )
    assert places_of(out) == [
        {"thumb_tip": [10.0, 20.5], "index_tip": [30.25, 40.0]},
        {"thumb_tip": [11.0, 21.0]},
    ]
    found = annotations.load(out)
    assert [int(image.pixels()[0, 0, 0]) for image in found.images] == [40, 80]
    assert {image.group for image in found.images} == {"pat 1, left/img"}
    content = json.loads((out / "annotations.json").read_text())
    assert content["info"]["licence"] == "CC0"
    assert content["annotations"][1]["num_keypoints"] == 1


def test_several_animals_are_hands(tmp_path: Path) -> None:
    video = tmp_path / "labeled-data" / "v"
    images(video, FRAMES[:1])
    (video / "CollectedData_me.csv").write_text(
        "scorer,me,me,me,me\nindividuals,left hand,left hand,right hand,right hand\n"
        "bodyparts,thumb_tip,thumb_tip,thumb_tip,thumb_tip\ncoords,x,y,x,y\n"
        "labeled-data/v/img0010.png,1,2,3,4\n"
    )
    convert(tmp_path, tmp_path / "out", keypoints={})
    (image,) = annotations.load(tmp_path / "out").images
    assert [(hand.side, *hand.position_px[0]) for hand in image.hands] == [
        ("left", 1, 2),
        ("right", 3, 4),
    ]


def test_names_may_tell_the_hands_apart(tmp_path: Path) -> None:
    inner = point("L", "5,5") + point("right_thumb_tip", "9,9") + point("ring", "1,1")
    folder = cvat(tmp_path / "task", inner)
    done = convert(folder, tmp_path / "out", keypoints={"L": "left thumb_tip", "ring": ""})
    assert done.dropped == ("ring",)
    (image,) = annotations.load(tmp_path / "out").images
    assert [(hand.side, *hand.position_px[0]) for hand in image.hands] == [
        ("left", 4.5, 4.5),
        ("right", 8.5, 8.5),
    ]


def test_cvat_points_and_skeletons(tmp_path: Path) -> None:
    inner = (
        '<skeleton label="left hand">'
        + point("thumb_tip", "10.50,20.50")
        + point("index_tip", "0,0", 'outside="1"')
        + "</skeleton>"
        + point("INDEX_FINGER_TIP", "30,40")
    )
    convert(cvat(tmp_path / "task", inner), tmp_path / "out", keypoints={})
    assert places_of(tmp_path / "out") == [{"thumb_tip": [10, 20]}, {"index_tip": [29.5, 39.5]}]
    (image,) = annotations.load(tmp_path / "out").images
    assert (image.hands[0].side, image.group) == ("left", "images/clip")


def test_label_studio(tmp_path: Path) -> None:
    file = label_studio(tmp_path)
    convert(file, tmp_path / "out", keypoints={}, images=tmp_path / "pics")
    assert places_of(tmp_path / "out") == [{"thumb_tip": [31.5, 11.5], "index_tip": [47.5, 23.5]}]


def test_label_studio_images_served_from_a_folder(tmp_path: Path) -> None:
    def served(task: dict[str, Any]) -> None:
        task["data"] = {"image": "/data/local-files/?d=pics%2Fframe_7.png", "note": "a b"}

    convert(label_studio(tmp_path, served), tmp_path / "out", keypoints={})
    assert len(annotations.load(tmp_path / "out")) == 1


def test_images_without_labels_are_left_out_and_counted(tmp_path: Path) -> None:
    folder = cvat(tmp_path / "task", point("thumb_tip", "10,20"))
    file = folder / "annotations.xml"
    empty = '<image id="1" name="gone.png" width="64" height="48"/></annotations>'
    file.write_text(file.read_text().replace("</annotations>", empty))
    done = convert(folder, tmp_path / "out", keypoints={})
    assert (done.images, done.unlabelled) == (1, 1)


@pytest.mark.parametrize(
    ("inner", "keypoints", "message"),
    [
        (point("pinch", "1,2"), {}, "which keypoint is pinch"),
        (point("thumb_tip", "1,2"), {"thumb": "thumb_tip"}, "no such label; it has thumb_tip"),
        (point("a", "1,2"), {"a": "thumb"}, "--joint a=thumb"),
        (point("a", "1,2") + point("thumb_tip", "3,4"), {"a": "thumb_tip"}, "several names mean"),
        (point("thumb_tip", "1,2") * 2, {}, "two points 'thumb_tip'"),
        (point("thumb_tip", "1,2;3,4"), {}, "not one point"),
        (point("thumb_tip", "nan,2"), {}, "is at nan"),
        (point("a", "1,2"), {"a": ""}, "no image has a label"),
        ("<oops>", {}, "cannot be read as XML"),
    ],
)
def test_cvat_refusals(inner: str, keypoints: dict[str, str], message: str, tmp_path: Path) -> None:
    folder = cvat(tmp_path / "task", inner)
    with pytest.raises(AnnotationError, match=message):
        convert(folder, tmp_path / "out", keypoints=keypoints)
    assert not (tmp_path / "out").exists()


def test_cvat_for_video_is_refused(tmp_path: Path) -> None:
    (tmp_path / "annotations.xml").write_text("<annotations><track id='0'/></annotations>")
    with pytest.raises(AnnotationError, match="export the task again"):
        convert(tmp_path, tmp_path / "out", keypoints={})
    (tmp_path / "annotations.xml").write_text("<annotations/>")
    with pytest.raises(AnnotationError, match="no <image>"):
        convert(tmp_path, tmp_path / "out", keypoints={})


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("bodyparts", "parts", "expected rows of names"),
        ("coords,,,x", "coords,,,likelihood", "expected one x and one y"),
        (",10.0,20.5", ",10.0", "has 6 cells, expected 7"),
        ("20.5", "twenty", "row 4: could not convert"),
        ("coords,,,x,", "coords,,,", "rows of names have 4, 3 and 4 cells"),
        ("img0010", "9" * 300, "labelled, but not in"),
    ],
)
def test_deeplabcut_refusals(old: str, new: str, message: str, tmp_path: Path) -> None:
    file = next(deeplabcut(tmp_path).rglob("*.csv"))
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    with pytest.raises(AnnotationError, match=message):
        convert(file, tmp_path / "out", keypoints=KEYPOINTS)


def test_damaged_hdf_is_refused(tmp_path: Path) -> None:
    file = as_hdf(next(deeplabcut(tmp_path).rglob("*.csv")))
    with h5py.File(file, "a") as content:
        del content["df_with_missing/block1_values"]
        content["df_with_missing/block1_values"] = np.ones((2, 2))
    with pytest.raises(AnnotationError, match="2 x 3 numbers for 2 images and 4 columns"):
        convert(file, tmp_path / "out", keypoints=KEYPOINTS)
    with h5py.File(file, "a") as content:
        del content["df_with_missing/block1_values"]
    with pytest.raises(AnnotationError, match="not a table of pandas"):
        convert(file, tmp_path / "out", keypoints=KEYPOINTS)
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(AnnotationError, match="not a table of pandas"):
        convert(file, tmp_path / "out", keypoints=KEYPOINTS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda task: task.pop("annotations"), "not an export of Label Studio"),
        (lambda task: task.update(data={"text": "none"}), "expected one image a task"),
        (lambda task: task["annotations"].append(task["annotations"][0]), "labelled 2 times"),
        (lambda task: task["annotations"][0]["result"][0].update(image_rotation=90), "was rotated"),
        (
            lambda task: task["annotations"][0]["result"][1]["value"].update(keypointlabels=[1.5]),
            "which keypoint is 1.5",
        ),
        (
            lambda task: task["annotations"][0]["result"][0]["value"].update(x=10**400),
            "'Thumb tip' is at inf",
        ),
        (
            lambda task: task["annotations"][0]["result"][1]["value"].update(
                keypointlabels=["Thumb tip"]
            ),
            "two points 'Thumb tip'",
        ),
    ],
)
def test_label_studio_refusals(
    change: Callable[[dict[str, Any]], None], message: str, tmp_path: Path
) -> None:
    file = label_studio(tmp_path, change)
    with pytest.raises(AnnotationError, match=message):
        convert(file, tmp_path / "out", keypoints={}, images=tmp_path / "pics")


def test_sources_and_images_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match="no such file or folder"):
        convert(tmp_path / "none", tmp_path / "out", keypoints={})
    with pytest.raises(AnnotationError, match="no labels of a known format"):
        convert(tmp_path, tmp_path / "out", keypoints={})
    folder = cvat(tmp_path / "task", point("thumb_tip", "1,2"))
    image = folder / "images" / "clip_000001.png"
    image.write_text("no image")
    with pytest.raises(AnnotationError, match="cannot be read as an image"):
        convert(folder, tmp_path / "out", keypoints={})
    image.unlink()
    with pytest.raises(AnnotationError, match="give --images FOLDER"):
        convert(folder, tmp_path / "out", keypoints={})


def test_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    (tmp_path / "a.json").mkdir()
    with pytest.raises(AnnotationError, match=r"a\.json: cannot be opened \(Is a directory\)"):
        convert(tmp_path, tmp_path / "out", keypoints={})


def test_images_outside_the_folder_are_not_taken(tmp_path: Path) -> None:
    images(tmp_path, ("secret.png",))
    folder = cvat(tmp_path / "task", point("thumb_tip", "1,2"))
    file = folder / "annotations.xml"
    file.write_text(file.read_text().replace("clip_000001.png", "../secret.png"))
    with pytest.raises(AnnotationError, match="labelled, but not in"):
        convert(folder, tmp_path / "out", keypoints={})


def test_two_labelled_images_are_never_one_file(tmp_path: Path) -> None:
    folder = cvat(tmp_path / "task", point("thumb_tip", "1,2"))
    file = folder / "annotations.xml"
    text = file.read_text()
    image = text[text.index("<image") : text.index("</annotations>")]
    file.write_text(text.replace(image, image + image.replace('name="', 'name="other/')))
    with pytest.raises(AnnotationError, match="two entries of the labels name this image"):
        convert(folder, tmp_path / "out", keypoints={})


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    folder = cvat(tmp_path / "task", point("thumb_tip", "1,2"))
    with pytest.raises(OutputError, match="is not empty"):
        convert(folder, folder, keypoints={})


def test_command(tmp_path: Path) -> None:
    folder = deeplabcut(tmp_path / "project")
    told = ["--joint", "thumb=thumb_tip", "--joint", "pointer=index_tip"]
    out = ["--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, ["convert", str(folder), *told, *out])
    assert done.exit_code == 0, done.output
    assert "2 hands in 2 images" in done.output
    assert len(annotations.load(tmp_path / "out")) == 2
    wrong = CliRunner().invoke(app, ["convert", str(folder), "--joint", "thumb"])
    assert wrong.exit_code == 2
    assert "write LABEL=KEYPOINT" in wrong.output
