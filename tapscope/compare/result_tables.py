"""The tables of a comparison as CSV: agreement, pairs, taps, sync, exclusions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Final

import numpy as np

from tapscope.compare.pairing import SEVERAL_FILES
from tapscope.compare.records import AgreementRow, Exclusion, RecordingComparison, TapComparison
from tapscope.output import table
from tapscope.output.table import Cell
from tapscope.records import Taps

ROW_COLUMNS: Final = ("feature", "unit", "stratum", "n_participants", "n_recordings", "n_taps")
SYNC_COLUMNS: Final = (
    "recording",
    "sensor_file",
    "offset_s",
    "drift_ppm",
    "drift_known",
    "r",
    "margin",
    "aligned_from_data",
    "flag",
    "drift_low_ppm",
    "drift_high_ppm",
    "overlap_s",
    "compared",
    "notes",
)
PAIR_COLUMNS: Final = (
    "recording",
    "feature",
    "video",
    "sensor",
    "difference",
    "video_unit",
    "sensor_unit",
)
TAP_COLUMNS: Final = (
    "recording",
    "event",
    "video_closure_s",
    "sensor_closure_s",
    "timing_error_s",
    "video_interval_s",
    "sensor_interval_s",
    "interval_difference_s",
    "video_amplitude",
    "video_unit",
    "sensor_amplitude",
    "sensor_unit",
    "amplitude_difference",
)
EXCLUSION_COLUMNS: Final = ("recording", "sensor_file", "step", "excluded_from", "reason")


def agreement_csv(rows: Sequence[AgreementRow]) -> bytes:
    """Return a row for each feature and stratum; each statistic with interval, p value, method."""
    names = list(dict.fromkeys(e.name for row in rows for e in row.estimates))
    tested = {e.name for row in rows for e in row.estimates if np.isfinite(e.p_value)}
    columns = [*ROW_COLUMNS]
    for name in names:
        columns += [name, f"{name}_low", f"{name}_high"]
        columns += [f"{name}_p"] if name in tested else []
        columns += [f"{name}_method"]
    columns += ["level", "form", "confidence_level", "note"]
    return _csv(columns, (_agreement_cells(row) for row in rows))


def _agreement_cells(row: AgreementRow) -> dict[str, Cell]:
    cells: dict[str, Cell] = {name: getattr(row, name) for name in ROW_COLUMNS}
    for each in row.estimates:
        cells[each.name] = table.rounded(each.value)
        cells[f"{each.name}_low"] = table.rounded(each.low)
        cells[f"{each.name}_high"] = table.rounded(each.high)
        cells[f"{each.name}_p"] = table.rounded(each.p_value)
        cells[f"{each.name}_method"] = each.method
    level = row.estimates[0].confidence_level if row.estimates else None
    return cells | {
        "level": row.level,
        "form": row.form,
        "confidence_level": level,
        "note": row.note,
    }


def _csv(columns: Sequence[str], rows: Iterable[Mapping[str, Cell]]) -> bytes:
    lines = ([table.cell_text(row.get(name)) for name in columns] for row in rows)
    return table.csv_bytes(columns, lines)


def pairs_csv(recordings: Sequence[RecordingComparison]) -> bytes:
    """Return a row for each recording and feature; no difference where the units differ."""
    return _csv(PAIR_COLUMNS, _pair_rows(recordings))


def sync_csv(recordings: Sequence[RecordingComparison]) -> bytes:
    """Return a row for each recording: how its clocks relate and what was compared."""
    return _csv(SYNC_COLUMNS, _sync_rows(recordings))


def taps_csv(recordings: Sequence[RecordingComparison]) -> bytes:
    """Return a row for each closure, matched, missed or extra, on the video's clock."""
    return _csv(TAP_COLUMNS, _tap_rows(recordings))


def exclusions_csv(exclusions: Sequence[Exclusion]) -> bytes:
    """Return a row for each recording or log that was left out."""
    return _csv(EXCLUSION_COLUMNS, (asdict(each) for each in exclusions))


def _pair_rows(recordings: Sequence[RecordingComparison]) -> Iterable[dict[str, Cell]]:
    for each in recordings:
        for pair in each.features:
            difference = pair.video - pair.sensor if pair.comparable else None
            yield {
                "recording": each.recording,
                "feature": pair.feature,
                "video": table.rounded(pair.video),
                "sensor": table.rounded(pair.sensor),
                "difference": None if difference is None else table.rounded(difference),
                "video_unit": pair.video_unit,
                "sensor_unit": pair.sensor_unit,
            }


def _sync_rows(recordings: Sequence[RecordingComparison]) -> Iterable[dict[str, Cell]]:
    for each in recordings:
        cells: dict[str, Cell] = {
            "recording": each.recording,
            "sensor_file": SEVERAL_FILES.join(each.sensor_files),
            "compared": "features" if each.taps is None else "features, taps, signals",
            "notes": "; ".join(each.notes),
        }
        sync = each.sync
        if sync is None:
            yield cells | {"flag": "not_synchronised", "aligned_from_data": "no"}
            continue
        low, high = sync.drift_interval_ppm
        yield cells | {
            "offset_s": None if np.isnan(sync.offset_s) else round(sync.offset_s, 6),
            "drift_ppm": table.rounded(sync.drift_ppm),
            "drift_known": _yes(sync.drift_known),
            "r": table.rounded(sync.r),
            "margin": table.rounded(sync.margin),
            "aligned_from_data": _yes(sync.aligned_from_data),
            "flag": sync.flag,
            "drift_low_ppm": table.rounded(low),
            "drift_high_ppm": table.rounded(high),
            "overlap_s": table.rounded(sync.overlap_s),
        }


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _tap_rows(recordings: Sequence[RecordingComparison]) -> Iterable[dict[str, Cell]]:
    for each in recordings:
        if each.taps is not None:
            rows = sorted(_events(each.taps), key=lambda row: row[0])
            yield from ({"recording": each.recording, **cells} for _, cells in rows)


def _events(taps: TapComparison) -> Iterable[tuple[float, dict[str, Cell]]]:
    """Return time and cells of each closure; a tap is in the row of the closure that begins it."""
    match, both = taps.match, dict(zip(taps.tap_of_video, taps.tap_of_sensor, strict=True))
    video_tap = {time_s: place for place, time_s in enumerate(taps.video.closure_s.tolist())}
    sensor_tap = {time_s: place for place, time_s in enumerate(taps.sensor.closure_s.tolist())}
    video_s, sensor_s = taps.video_closure_s.tolist(), taps.sensor_closure_s.tolist()
    for first, second, error_s in zip(
        match.video_index.tolist(), match.sensor_index.tolist(), match.error_s.tolist(), strict=True
    ):
        cells = {"event": "matched", "timing_error_s": round(error_s, 6)}
        one, other = video_tap.get(video_s[first]), sensor_tap.get(sensor_s[second])
        cells |= _side("video", video_s[first], taps.video, one)
        cells |= _side("sensor", sensor_s[second], taps.sensor, other)
        if one is not None and other is not None and both.get(one) == other:
            interval_s = taps.video.interval_s[one] - taps.sensor.interval_s[other]
            cells["interval_difference_s"] = round(float(interval_s), 6)
            if taps.video.unit == taps.sensor.unit == "mm":
                difference = taps.video.amplitude[one] - taps.sensor.amplitude[other]
                cells["amplitude_difference"] = table.rounded(float(difference))
        yield video_s[first], cells
    for place in match.extra_index.tolist():
        side = _side("video", video_s[place], taps.video, video_tap.get(video_s[place]))
        yield video_s[place], {"event": "extra", **side}
    for place in match.missed_index.tolist():
        side = _side("sensor", sensor_s[place], taps.sensor, sensor_tap.get(sensor_s[place]))
        yield sensor_s[place], {"event": "missed", **side}


def _side(name: str, closure_s: float, taps: Taps, tap: int | None) -> dict[str, Cell]:
    cells: dict[str, Cell] = {f"{name}_closure_s": round(closure_s, 6)}
    if tap is not None:
        cells[f"{name}_interval_s"] = round(float(taps.interval_s[tap]), 6)
        cells[f"{name}_amplitude"] = table.rounded(float(taps.amplitude[tap]))
        cells[f"{name}_unit"] = taps.unit
    return cells
