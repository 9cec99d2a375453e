"""Choose doubtful frames and write them to be labelled: what `tapscope frames` does."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from tapscope.datasets.formats import cvat, label_studio
from tapscope.errors import ResultsError, TapscopeError
from tapscope.hand import TIPS
from tapscope.labelling.candidates import Candidate, look_again
from tapscope.labelling.doubt import doubt, known_places, most_doubtful_of_each_part
from tapscope.network.engine import Engine
from tapscope.output.complete_folder import complete_folder
from tapscope.output.deidentify import deidentified
from tapscope.output.table import json_bytes, write_result
from tapscope.pipeline.recordings import Recording, find_recordings
from tapscope.pipeline.result_reader import VideoRow, VideoTable, read_features, read_tips
from tapscope.records import FloatArray

_LOOKS: Final = 3
"""Frames at which the network looks again, over those that are chosen."""
_ALIKE_LEVELS: Final = 20.0
_ALIKE_TIPS: Final = 0.1
"""Hands are alike whose small images differ by less than so many grey levels on average, and whose
tips by less than this share of the hand's longer side."""
_SURE_SHARE: Final = 0.5
"""Share of the frames that is spread evenly over the recordings; the rest goes to the doubtful."""


@dataclass(frozen=True, slots=True)
class Picked:
    """What was written."""

    out: Path
    frames: Mapping[str, int]
    """Number of frames by recording."""
    left_out: Mapping[str, str]
    """Why there is no frame of a recording."""


def pick_frames(
    videos: Sequence[Path],
    table: Path,
    out: Path,
    engine: Engine,
    *,
    count: int,
    whole_frame: bool = False,
    deidentify: bool = False,
    on_recording: Callable[[int, int], None] = lambda done, total: None,
) -> Picked:
    """Write the images of doubtful frames with the network's guesses, to be corrected.

    Parameters
    ----------
    videos
        Videos, and folders of some, as they were analysed.
    table
        What `tapscope analyze` wrote about them.
    out
        The folder to write; it must be empty or new.
    engine
        Makes the guesses.
    count
        Number of frames.
    whole_frame
        Write whole frames instead of the hands' surroundings.
    deidentify
        Name images recording-001 ... instead of by the recording.
    on_recording
        Called with the number of recordings done and their total.

    Raises
    ------
    ResultsError
        The table is missing or damaged, has no row of these videos, or no frame can be written.
    OutputError
        `out` exists, or cannot be written.
    """
    found = read_features(table)
    files = {recording.name: recording for recording in find_recordings(videos)}
    rows = [row for row in found.rows if row.recording in files]
    if not rows:
        raise ResultsError(
            f"{table}: has no row of these videos; give the videos as they were analysed"
        )
    cells: Sequence[Mapping[str, str]] = [row.cells for row in found.rows]
    shown = deidentified(cells) if deidentify else cells
    names = {row.recording: mine for row, mine in zip(found.rows, shown, strict=True)}
    left_out: dict[str, str] = {}
    candidates: list[Candidate] = []
    with complete_folder(out) as folder:
        for done, row in enumerate(rows, 1):
            try:
                candidates += _candidates(
                    found,
                    row,
                    files[row.recording],
                    names[row.recording],
                    engine,
                    parts=math.ceil(_LOOKS * count / len(rows)),
                    folder=folder,
                    whole_frame=whole_frame,
                )
            except TapscopeError as problem:
                shown_name = names[row.recording]["recording"]
                left_out[shown_name] = "cannot be read" if deidentify else str(problem)
            on_recording(done, len(rows))
        chosen = choose(candidates, count)
        if not chosen:
            why = "; ".join(f"{name}: {reason}" for name, reason in left_out.items())
            raise ResultsError(f"{table}: no frame to label ({why})")
        _remove_others(folder, chosen)
        _write_labels(folder, chosen, engine)
    frames = Counter(candidate.recording for candidate in chosen)
    return Picked(out, dict(frames), left_out)


def _candidates(
    table: VideoTable,
    row: VideoRow,
    recording: Recording,
    shown: Mapping[str, str],
    engine: Engine,
    *,
    parts: int,
    folder: Path,
    whole_frame: bool,
) -> list[Candidate]:
    """Look again at the most doubtful frames of a recording."""
    if row.status == "failed" and not table.file(row, ".tracks.csv").is_file():
        raise ResultsError(f"failed: {row.reason}")
    tips = read_tips(table.file(row, ".tracks.csv"))
    hand_px = row.number("hand_px")
    places = known_places(tips)
    if not np.isfinite(places).all() or not math.isfinite(hand_px):
        raise ResultsError(f"{row.recording}: the tips or the size of the hand are not known")
    doubts = doubt(tips, hand_px)
    frames: dict[int, tuple[float, FloatArray]] = {
        int(tips.frame[n]): (float(doubts[n]), places[n])
        for n in most_doubtful_of_each_part(doubts, parts)
    }
    if not frames:
        raise ResultsError(f"{row.recording}: the tips are known in no frame")
    return list(
        look_again(
            recording.path,
            frames,
            engine,
            hand_px=hand_px,
            folder=folder,
            recording=shown["recording"],
            group=shown.get("participant_id") or shown["recording"],
            whole_frame=whole_frame,
        )
    )


def choose(candidates: Sequence[Candidate], count: int) -> list[Candidate]:
    """Choose doubtful frames that differ, from all recordings; in the order of the candidates.

    Half the frames are spread evenly over the recordings, each giving its most doubtful; the others
    are the most doubtful of all. A frame in which the hand looks like one already chosen of the
    same recording comes last.
    """
    ranked = sorted(candidates, key=lambda candidate: -candidate.doubt)
    recordings = Counter(candidate.recording for candidate in candidates)
    even = max(int(_SURE_SHARE * count / max(len(recordings), 1)), 1)
    chosen: list[Candidate] = []
    taken: Counter[str] = Counter()

    def take(most: int, *, alike: bool) -> None:
        for candidate in ranked:
            if len(chosen) >= count:
                return
            if candidate in chosen or taken[candidate.recording] >= most:
                continue
            if alike or not any(_alike(candidate, other) for other in chosen):
                chosen.append(candidate)
                taken[candidate.recording] += 1

    take(even, alike=False)
    take(count, alike=False)
    take(count, alike=True)
    return [candidate for candidate in candidates if candidate in chosen]


def _alike(one: Candidate, other: Candidate) -> bool:
    if one.recording != other.recording:
        return False
    away = np.linalg.norm(_tips_in_box(one) - _tips_in_box(other), axis=1)
    levels = np.abs(one.thumbnail - other.thumbnail).mean()
    return bool(levels < _ALIKE_LEVELS and away.max() < _ALIKE_TIPS)


def _tips_in_box(candidate: Candidate) -> FloatArray:
    """Return the tips within the box of the hand, in shares of its longer side; shape (2, 2)."""
    left, top, right, bottom = candidate.guess.box_px
    places = np.array(list(candidate.guess.points_px.values())) - [left, top]
    shares: FloatArray = places / max(right - left, bottom - top, 1.0)
    return shares


def _remove_others(folder: Path, chosen: Sequence[Candidate]) -> None:
    kept = {folder / candidate.guess.file_name for candidate in chosen}
    for file in (folder / "images").rglob("*.png"):
        if file not in kept:
            file.unlink()


def _write_labels(folder: Path, chosen: Sequence[Candidate], engine: Engine) -> None:
    guesses = [candidate.guess for candidate in chosen]
    write_result(folder / "annotations.json", json_bytes(_coco(chosen, engine.weights_name)))
    write_result(folder / "cvat.xml", cvat.write(guesses))
    tasks = label_studio.write(guesses, engine.weights_name)
    write_result(folder / "label_studio.json", tasks)
    write_result(folder / "label_studio_interface.xml", label_studio.labelling_interface(TIPS))


def _coco(chosen: Sequence[Candidate], weights: str) -> dict[str, Any]:
    """Return the guesses as COCO keypoints; `corrected` false keeps them out of training."""
    images, hands = [], []
    for number, candidate in enumerate(chosen, 1):
        guess = candidate.guess
        images.append(
            {
                "id": number,
                "file_name": guess.file_name,
                "width": guess.width,
                "height": guess.height,
                "group": candidate.group,
                "recording": candidate.recording,
                "frame": candidate.frame,
                "time_s": round(candidate.time_s, 6),
                "doubt": round(candidate.doubt, 3),
                "corrected": False,
            }
        )
        left, top, right, bottom = guess.box_px
        hands.append(
            {
                "id": number,
                "image_id": number,
                "category_id": 1,
                "keypoints": [
                    value
                    for x, y in guess.points_px.values()
                    for value in (round(x, 2), round(y, 2), 2)
                ],
                "num_keypoints": len(guess.points_px),
                "bbox": [round(v, 2) for v in (left, top, right - left, bottom - top)],
                "bbox_is_hand": True,
            }
        )
    return {
        "info": {"description": f"frames to label; the guesses are those of {weights}"},
        "images": images,
        "annotations": hands,
        "categories": [{"id": 1, "name": "hand", "keypoints": list(TIPS)}],
    }
