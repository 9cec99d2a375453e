"""Sections of the report on participants, devices, methods and provenance."""

import math
from typing import Final

from tapscope.compare.records import Comparison
from tapscope.compare.report.grras import grras_items
from tapscope.compare.report.html import DASH, Section, Table, number
from tapscope.sync.thresholds import SETTINGS

_FILLED: Final = {"filled": "yes", "in part": "in part", "authors": "no: authors"}


def participants(found: Comparison) -> Section:
    """Show what was compared, and what was left out at which step and why."""
    flow = Table(
        "Recordings left after each step",
        ("step", "participants", "recordings", "taps by video"),
        tuple(
            (step.step, str(step.n_participants), str(step.n_recordings), str(step.n_video_taps))
            for step in found.flow
        ),
        numeric=frozenset({1, 2, 3}),
    )
    excluded = Table(
        "What was left out, and why",
        ("recording", "sensor log", "step", "left out of", "reason"),
        tuple(
            (e.recording or DASH, e.sensor_file or DASH, e.step, e.excluded_from, e.reason)
            for e in found.exclusions
        ),
    )
    doubtful = sum(each.video_facts.get("status") == "doubtful" for each in found.recordings)
    texts = []
    if doubtful:
        texts.append(
            "The stratum status shows recordings with a doubtful video analysis separately; "
            f"included here: {doubtful}."
        )
    if not found.exclusions:
        texts.append("Nothing was left out.")
    tables = (flow, excluded) if found.exclusions else (flow,)
    return Section("participants", "Participants and exclusions", tuple(texts), tables)


def clocks(found: Comparison) -> Section:
    """Show the devices and how their clocks are related."""
    rows, marked = [], []
    for place, each in enumerate(found.recordings):
        sync = each.sync
        if each.taps is None:
            marked.append(place)
        rows.append(
            (
                each.recording,
                "; ".join(each.sensor_files),
                DASH if sync is None else number(sync.offset_s, 6),
                f"{number(sync.drift_ppm)} ppm" if sync and sync.drift_known else "not known",
                DASH if sync is None else number(sync.r),
                DASH if sync is None else number(sync.margin),
                "yes" if each.aligned_from_data else "no",
                "; ".join(each.notes) or "accepted",
            )
        )
    from_data = sum(each.aligned_from_data for each in found.recordings)
    texts = [
        "Sensor time = video time + offset. An offset found from the movements is accepted where "
        f"r > {SETTINGS.accept_r:g} and the margin over the next best offset is above "
        f"{SETTINGS.accept_margin:g}; or where r > {SETTINGS.pattern_r:g} and the pattern of the "
        "taps excludes the next best offset (by_pattern), which needs intervals that vary by "
        f"{100 * SETTINGS.pattern_interval_cv:g} % or more. Either way both sides must show "
        f"{SETTINGS.min_taps} taps whose moments fit one movement, and the offset must not lie at "
        "the edge of those searched. Taps are periodic, so an offset can be wrong by a whole "
        "cycle; unclear offsets are flagged. An offset from a cue needs none of this. Recordings "
        "whose "
        "clocks are not known to agree (marked) are compared by their features only: not by single "
        "taps or signals, nor by counts and durations.",
    ]
    if from_data:
        texts.append(
            f"{from_data} of {len(found.recordings)} clocks were aligned from the measured "
            "movements. The timing of single taps then agrees better than with independent clocks "
            "(a constant delay between the devices is invisible). Features are not affected."
        )
    columns = ("recording", "sensor log", "offset, s", "drift", "r", "margin", "from data", "notes")
    clocks = Table("Clocks", columns, tuple(rows), frozenset({2, 3, 4, 5}), frozenset(marked))
    return Section("clocks", "Devices and synchronisation", tuple(texts), (clocks, _devices(found)))


def _devices(found: Comparison) -> Table:
    rows = []
    for each in found.recordings:
        facts, video = each.sensor_facts, each.video_facts
        rows.append(
            (
                each.recording,
                facts.get("device", "") or "not stated",
                f"{facts.get('format', '')}, {each.sensor_source}",
                _short(facts.get("sampling_rate_hz", "")),
                facts.get("repairs", "") or "none",
                _short(video.get("measured_fps", "")),
                f"{video.get('dropped_frames') or DASH} / {video.get('duplicate_frames') or DASH}",
                _short(video.get("longest_gap_s", "")),
                _short(video.get("tracked_frames_pct", "")),
            )
        )
    return Table(
        "Sensor logs and videos",
        ("recording", "sensor", "format, signal", "sensor rate, Hz", "repairs of the log",
         "video, frames/s", "frames lost / repeated", "longest gap, s", "frames tracked, %"),
        tuple(rows),
        numeric=frozenset({3, 5, 6, 7, 8}),
    )  # fmt: skip


def _short(cell: str) -> str:
    """Return a number of the tables with three significant digits; a dash where it is unknown."""
    try:
        return number(float(cell))
    except ValueError:
        return cell or DASH


def methods(found: Comparison) -> Section:
    """Show the settings and the variant of each statistic."""
    methods: dict[str, str] = {}
    for row in found.rows:
        for estimate in row.estimates:
            if math.isfinite(estimate.value):
                methods.setdefault(estimate.name, estimate.method)
    table = Table(
        "Statistics and their variants, as first used",
        ("statistic", "variant"),
        tuple(methods.items()),
    )
    settings = Table("Settings", ("setting", "value"), tuple(found.settings.items()))
    return Section("methods", "Methods", (), (settings, table))


def grras(found: Comparison) -> Section:
    """Show the checklist, with the items that only the authors can fill marked."""
    items = grras_items(found)
    table = Table(
        "GRRAS: guidelines for reporting reliability and agreement studies",
        ("item", "section", "request", "filled by tapscope", "answer"),
        tuple(
            (str(i.number), i.section, i.request, _FILLED[i.filled], i.answer or "to be written")
            for i in items
        ),
        marked=frozenset(place for place, item in enumerate(items) if item.filled != "filled"),
        note="Kottner et al. 2011, doi:10.1016/j.jclinepi.2010.03.002. The authors have "
        "to complete the marked rows.",
    )
    return Section("grras", "Reporting checklist (GRRAS)", (), (table,))


def provenance(found: Comparison) -> Section:
    """Show versions, command, time and hashes."""
    text = "run.json has the same, with the full configuration and package versions."
    table = Table("Origin of these numbers", ("item", "value"), tuple(found.provenance.items()))
    return Section("provenance", "Provenance", (text,), (table,))
