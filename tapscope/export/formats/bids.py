"""BIDS: a derivative dataset with participants, and features, taps and tracks of each recording.

Every table has a sidecar that says what its columns mean, because units differ between recordings.
The hand is the entity `acq`; an unknown value is n/a.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from tapscope import __version__
from tapscope.export.formats.base import Format, NotExported, each_measured, harmless, unique_names
from tapscope.export.study import Column, Exported, Study
from tapscope.hand import TIPS
from tapscope.output.table import cell_text, fixed, json_bytes, rounded, write_result
from tapscope.pipeline.result_reader import TipTracks
from tapscope.records import FloatArray, Taps

_BIDS_VERSION: Final = "1.10.0"
_TASK: Final = "fingertapping"
_UNITS: Final = {"%": "percent", "hand_lengths": "hand length (wrist to middle knuckle)"}
_README: Final = """\
Finger tapping measured from video by tapscope.

Each recording has three tables in the folder beh, with a JSON file beside each:
desc-features (one row), events (one row a tap) and desc-tracks (one row a picture).
acq is the hand. An unknown value is n/a, never 0.
"""

Columns = Mapping[str, tuple[str, str]]
"""Meaning and unit of each column; '' is no unit."""


def _write(study: Study, folder: Path) -> list[NotExported]:
    description = {
        "Name": f"Finger tapping: {study.name}",
        "BIDSVersion": _BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "tapscope", "Version": __version__}],
    }
    write_result(folder / "dataset_description.json", json_bytes(description))
    write_result(folder / "README", _README.encode())
    subjects = _subjects(study)
    _write_participants(study, subjects, folder)
    places = _places(study, subjects)
    for recording in study.recordings:
        _write_features(folder / places[recording.name], study.columns, recording)
    return each_measured(study, partial(_write_recording, folder, places))


def _subjects(study: Study) -> dict[str, str]:
    """Return the label of the participant of each recording; unknown ones are all different."""
    people = {
        recording.name: recording.cells.get("participant_id")
        or f"unknown/{number}"  # a recording by itself: nothing says that two are of one person
        for number, recording in enumerate(study.recordings, 1)
    }
    labels = unique_names(people.values(), r"[^A-Za-z0-9]+", "", "", longest=80)
    return {name: labels[person] for name, person in people.items()}


def _places(study: Study, subjects: Mapping[str, str]) -> dict[str, str]:
    """Return the start of the files of each recording, relative to the dataset."""
    sessions = _labels(study, "session_id")
    starts: dict[str, list[Exported]] = defaultdict(list)
    for recording in study.recordings:
        subject = f"sub-{subjects[recording.name]}"
        session = sessions.get(recording.cells.get("session_id", ""))
        folders, entities = [subject], [subject]
        if session:
            folders.append(f"ses-{session}")
            entities.append(f"ses-{session}")
        entities.append(f"task-{_TASK}")
        if recording.cells.get("hand"):
            entities.append(f"acq-{recording.cells['hand']}")
        starts["/".join([*folders, "beh", "_".join(entities)])].append(recording)
    places = {}
    for start, alike in starts.items():
        trials = [recording.cells.get("trial", "") for recording in alike]
        are_runs = all(trial.isascii() and trial.isdigit() for trial in trials)
        if not are_runs or len({int(trial) for trial in trials}) < len(trials):
            trials = [str(n) for n in range(1, len(alike) + 1)]
        for recording, trial in zip(alike, trials, strict=True):
            places[recording.name] = f"{start}_run-{trial}"
    return places


def _labels(study: Study, column: str) -> dict[str, str]:
    held = (recording.cells.get(column, "") for recording in study.recordings)
    return unique_names(filter(None, held), r"[^A-Za-z0-9]+", "", "", longest=80)


def _write_participants(study: Study, subjects: Mapping[str, str], folder: Path) -> None:
    """Write the participants, with those columns of the manifest that say one thing of each."""
    values: dict[str, dict[str, set[str]]] = {}
    for recording in study.recordings:
        person = values.setdefault(subjects[recording.name], {})
        for name in study.extra_columns:
            person.setdefault(name, set()).add(recording.cells.get(name, ""))
    kept = [
        name
        for name in study.extra_columns
        if all(len(person[name]) == 1 for person in values.values())
    ]
    rows = [
        [f"sub-{subject}", *(next(iter(person[name])) for name in kept)]
        for subject, person in values.items()
    ]
    columns = dict.fromkeys(kept, ("as in the manifest of the analysis", ""))
    _write_table(folder / "participants", {"participant_id": ("", ""), **columns}, rows)


def _write_features(start: Path, columns: Sequence[Column], recording: Exported) -> None:
    cells = [
        cell_text(recording.number(column.name))
        if column.is_number
        else recording.cells.get(column.name, "")
        for column in columns
    ]
    meanings = {column.name: (column.meaning, recording.unit_of(column)) for column in columns}
    _write_table(start.with_name(f"{start.name}_desc-features_beh"), meanings, [cells])


def _write_recording(folder: Path, places: Mapping[str, str], recording: Exported) -> None:
    tips, taps = recording.tips(), recording.taps()
    start = folder / places[recording.name]
    _write_columns(start.with_name(f"{start.name}_events"), *_events(taps))
    _write_columns(start.with_name(f"{start.name}_desc-tracks_beh"), *_tracks(tips))


def _events(taps: Taps) -> tuple[Columns, list[list[str]]]:
    speed = f"{_unit(taps.unit)} per second"
    columns = {
        "onset": ("closure that begins the tap", "s"),
        "duration": ("time to the next closure", "s"),
        "trial_type": ("always tap", ""),
        "peak_time": ("moment of the widest aperture", "s"),
        "amplitude": ("widest aperture less that at the closures", _unit(taps.unit)),
        "opening_speed_mean": ("mean speed of opening", speed),
        "opening_speed_peak": ("largest speed of opening", speed),
        "closing_speed_mean": ("mean speed of closing", speed),
        "closing_speed_peak": ("largest speed of closing", speed),
        "flags": ("codes of problems, joined by ';'", ""),
    }
    speeds = (
        taps.amplitude,
        taps.opening_speed_mean,
        taps.opening_speed_peak,
        taps.closing_speed_mean,
        taps.closing_speed_peak,
    )
    return columns, [
        fixed(taps.closure_s, 6),
        fixed(taps.interval_s, 6),
        ["tap"] * len(taps),
        fixed(taps.peak_s, 6),
        *(_texts(values) for values in speeds),
        taps.flags.tolist(),
    ]


def _tracks(tips: TipTracks) -> tuple[Columns, list[list[str]]]:
    columns = {
        "time": ("time of the picture; the first frame is 0", "s"),
        "frame": ("number among all frames of the video, from 0", ""),
    }
    cells = [fixed(tips.time_s, 6), [str(n) for n in tips.frame.tolist()]]
    for place, tip in enumerate(TIPS):
        for axis, name in enumerate("xy"):
            columns[f"{tip}_{name}"] = (f"{name} of the tip in the image", "pixel")
            cells.append(fixed(tips.position_px[:, place, axis], 3))
        columns[f"{tip}_confidence"] = ("chance that the place is right, 0 to 1", "")
        cells.append(fixed(tips.confidence[:, place], 3))
    columns["aperture_px"] = ("distance of the tips", "pixel")
    columns["aperture_hand"] = ("distance of the tips", _UNITS["hand_lengths"])
    return columns, [*cells, fixed(tips.aperture_px, 3), fixed(tips.aperture_hand, 5)]


def _texts(values: FloatArray) -> list[str]:
    return [cell_text(rounded(value)) for value in np.asarray(values).tolist()]


def _unit(unit: str) -> str:
    return _UNITS.get(unit, unit)


def _write_columns(start: Path, columns: Columns, cells: Sequence[Sequence[str]]) -> None:
    _write_table(start, columns, list(zip(*cells, strict=True)))


def _write_table(start: Path, columns: Columns, rows: Sequence[Sequence[str]]) -> None:
    """Write a table, and beside it what its columns mean."""
    lines = ["\t".join(_plain(name) for name in columns)]
    lines += ["\t".join(_plain(cell) or "n/a" for cell in row) for row in rows]
    write_result(start.with_name(f"{start.name}.tsv"), ("\n".join(lines) + "\n").encode())
    sidecar = {
        _plain(name): {"Description": meaning} | ({"Units": _unit(unit)} if unit else {})
        for name, (meaning, unit) in columns.items()
        if meaning
    }
    write_result(start.with_name(f"{start.name}.json"), json_bytes(sidecar))


def _plain(cell: str) -> str:
    """Return a text that stays in its cell, and that no spreadsheet takes for a formula."""
    text = " ".join(cell.split())
    is_number = text.lstrip("-").replace(".", "", 1).replace("e-", "", 1).isdigit()
    return text if is_number else harmless(text)


FORMAT: Final = Format("bids", "", (), _write)
