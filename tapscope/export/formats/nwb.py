"""Neurodata Without Borders: a file a recording, its tips as ndx-pose has them.

The file holds pose, aperture, taps and features. NWB wants the time of day of the recording, which
a table need not have: then the file says 1970 and that the time is unknown.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from tapscope import __version__
from tapscope.errors import ResultsError
from tapscope.export.formats.base import Format, NotExported, each_measured
from tapscope.export.study import Column, Exported, Study
from tapscope.hand import TIPS
from tapscope.pipeline.result_reader import TipTracks
from tapscope.records import Taps

if TYPE_CHECKING:
    from pynwb import NWBFile, ProcessingModule

START_COLUMN: Final = "session_start_time"
"""Column of the manifest with the recording's start: ISO 8601, with a time zone."""
_SEXES: Final = {"f": "F", "m": "M", "o": "O"}
"""What NWB writes, by the first letter in the manifest's column 'sex'; any other is unknown."""
_UNKNOWN_START: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _write(study: Study, folder: Path) -> list[NotExported]:
    return each_measured(study, partial(_write_recording, folder, study.columns))


def _write_recording(folder: Path, columns: Sequence[Column], recording: Exported) -> None:
    pynwb = import_module("pynwb")
    tips, taps = recording.tips(), recording.taps()
    content = _file(recording)
    behaviour = content.create_processing_module(
        name="behavior", description="Finger tapping as tapscope measured it in a video."
    )
    _add_pose(behaviour, tips, recording)
    _add_aperture(behaviour, tips, recording)
    _add_taps(behaviour, taps)
    _add_features(behaviour, columns, recording)
    file = folder / f"{recording.stem}.nwb"
    file.parent.mkdir(parents=True, exist_ok=True)
    with pynwb.NWBHDF5IO(file, "w") as stream:
        stream.write(content)


def _file(recording: Exported) -> "NWBFile":
    """Return a file with what is known of the recording and of the participant."""
    pynwb = import_module("pynwb")
    cells = recording.cells
    start = _start(recording)
    unknown = "" if start else " The time of the recording is unknown; 1970 stands for it."
    hand = f" of the {cells['hand']} hand" if cells.get("hand") else ""
    content = pynwb.NWBFile(
        session_description=f"Video of finger tapping{hand}: {recording.name}.{unknown}",
        # The tracks tell recordings apart without naming anybody.
        identifier=hashlib.sha256(recording.tracks_file.read_bytes()).hexdigest(),
        session_start_time=start or _UNKNOWN_START,
        session_id=cells.get("session_id") or None,
        experiment_description="Finger tapping, measured from video.",
        keywords=["finger tapping", "video", "pose estimation"],
        source_script=f"tapscope {__version__}, export to NWB",
        source_script_file_name="tapscope",
        protocol=cells.get("protocol") or None,
        was_generated_by=[["tapscope", __version__]],
    )
    if cells.get("participant_id"):
        content.subject = pynwb.file.Subject(
            subject_id=cells["participant_id"].replace("/", "-"),
            species="Homo sapiens",
            age=_age(recording),
            sex=_SEXES.get(cells.get("sex", "").strip().lower()[:1], "U"),
        )
    return content


def _age(recording: Exported) -> str:
    """Return the age as NWB writes it: 'P67Y', or 'P0D/' (0 days or more) where it is unknown."""
    years = recording.number("age")
    return "P0D/" if years is None else f"P{years:g}Y"


def _start(recording: Exported) -> datetime | None:
    text = recording.cells.get(START_COLUMN, "")
    if not text:
        return None
    try:
        start = datetime.fromisoformat(text)
    except ValueError as problem:
        raise ResultsError(
            f"{recording.name}: {START_COLUMN} is {text!r}; write it as 2025-03-31T14:05:00+02:00"
        ) from problem
    if start.tzinfo is None:
        raise ResultsError(
            f"{recording.name}: {START_COLUMN} is {text!r}, without a time zone; write it as "
            "2025-03-31T14:05:00+02:00"
        )
    return start


def _add_pose(behaviour: "ProcessingModule", tips: TipTracks, recording: Exported) -> None:
    ndx_pose = import_module("ndx_pose")
    skeleton = ndx_pose.Skeleton(
        name="thumb_and_index",
        nodes=list(TIPS),
        edges=np.array([[0, 1]], dtype="uint8"),
    )
    series = [
        ndx_pose.PoseEstimationSeries(
            name=name,
            description=f"Place of the {name.replace('_', ' ')} in the image; NaN is unknown.",
            data=tips.position_px[:, place],
            unit="pixels",
            reference_frame="(0, 0) is the centre of the top left pixel; x right, y down.",
            timestamps=tips.time_s,
            confidence=tips.confidence[:, place],
            confidence_definition="Chance that the tip is within a tenth of the hand of its place.",
        )
        for place, name in enumerate(TIPS)
    ]
    video = recording.cells.get("video", "")
    pose = ndx_pose.PoseEstimation(
        name="PoseEstimation",
        pose_estimation_series=series,
        description=f"The tips whose distance is the aperture{f', in {video}' if video else ''}.",
        scorer=recording.cells.get("weights") or "tapscope",
        source_software="tapscope",
        source_software_version=__version__,
        skeleton=skeleton,
    )
    behaviour.add(ndx_pose.Skeletons(skeletons=[skeleton]))
    behaviour.add(pose)


def _add_aperture(behaviour: "ProcessingModule", tips: TipTracks, recording: Exported) -> None:
    pynwb = import_module("pynwb")
    in_hands = recording.cells.get("unit") == "hand_lengths"
    behaviour.add(
        pynwb.TimeSeries(
            name="aperture",
            description="Distance of thumb tip and index tip; NaN is unknown."
            + (" A hand length is wrist to middle knuckle." if in_hands else ""),
            data=tips.aperture_hand if in_hands else tips.aperture_px,
            unit="hand lengths" if in_hands else "pixels",
            timestamps=tips.time_s,
        )
    )


def _add_taps(behaviour: "ProcessingModule", taps: Taps) -> None:
    epoch = import_module("pynwb.epoch")
    table = epoch.TimeIntervals(name="taps", description="Taps, from closure to closure.")
    table.add_column("peak_time", "Moment of the widest aperture, seconds.")
    table.add_column("amplitude", f"Widest aperture less that at the closures, {taps.unit}.")
    for phase in ("opening", "closing"):
        for kind in ("mean", "peak"):
            table.add_column(f"{phase}_speed_{kind}", f"{kind} speed of {phase}, {taps.unit}/s")
    table.add_column("flags", "Codes of problems, joined by ';'.")
    for n in range(len(taps)):
        table.add_interval(
            start_time=float(taps.closure_s[n]),
            stop_time=float(taps.next_closure_s[n]),
            peak_time=float(taps.peak_s[n]),
            amplitude=float(taps.amplitude[n]),
            opening_speed_mean=float(taps.opening_speed_mean[n]),
            opening_speed_peak=float(taps.opening_speed_peak[n]),
            closing_speed_mean=float(taps.closing_speed_mean[n]),
            closing_speed_peak=float(taps.closing_speed_peak[n]),
            flags=str(taps.flags[n]),
        )
    if len(taps):
        behaviour.add(table)


def _add_features(
    behaviour: "ProcessingModule", columns: Sequence[Column], recording: Exported
) -> None:
    common = import_module("hdmf.common")
    numbers = [column for column in columns if column.is_number]
    values = [recording.number(column.name) for column in numbers]
    cells = {
        "feature": ("Name of the feature.", [column.name for column in numbers]),
        "value": (
            "Its value; NaN is unknown.",
            [float("nan") if value is None else value for value in values],
        ),
        "unit": ("Its unit.", [recording.unit_of(column) or "1" for column in numbers]),
        "meaning": ("How it is computed.", [column.meaning for column in numbers]),
    }
    behaviour.add(
        common.DynamicTable(
            name="features",
            description=f"Features of the recording; its status is {recording.cells['status']}.",
            columns=[
                common.VectorData(name=name, description=meaning, data=held)
                for name, (meaning, held) in cells.items()
            ],
        )
    )


FORMAT: Final = Format("nwb", "", ("pynwb", "ndx_pose"), _write, "nwb")
