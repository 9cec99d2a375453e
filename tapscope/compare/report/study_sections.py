"""Chapters of the report on who took part, what measured, and how it was computed."""

import math
from typing import Final

from tapscope.compare.records import Comparison
from tapscope.compare.report.grras import grras_items
from tapscope.compare.report.html import DASH, Section, Table, number

_FILLED: Final = {"filled": "yes", "in part": "in part", "authors": "no: authors"}


def participants(found: Comparison) -> Section:
    """Tell who is in, and what was left out at which step and why."""
    flow = Table(
        "What is left after each step",
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
            f"Recordings with a doubtful video analysis that are included: {doubtful}; the "
            "stratum status tells them apart."
        )
    if not found.exclusions:
        texts.append("Nothing was left out.")
    tables = (flow, excluded) if found.exclusions else (flow,)
    return Section("participants", "Participants and exclusions", tuple(texts), tables)


def clocks(found: Comparison) -> Section:
    """Tell what measured and how the clocks are related."""
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
                f"{number(sync.drift_ppm)} ppm" if sync and sync.drift_known else "not claimed",
                DASH if sync is None else number(sync.r),
                DASH if sync is None else number(sync.margin),
                "no" if sync is None or not sync.aligned_from_data else "yes",
                "; ".join(each.notes) or "accepted",
            )
        )
    from_data = sum(
        each.sync is not None and each.sync.aligned_from_data for each in found.recordings
    )
    texts = [
        "Sensor time = video time + offset. An offset found from the movements is accepted alone "
        "where r > 0.9 and the margin over the next best offset is over 0.05; periodic taps let an "
        "offset slip by a whole cycle, and what is not clear is flagged. Recordings whose clocks "
        "are not known to agree (marked) are compared by their features only, not by single taps "
        "or signals.",
    ]
    if from_data:
        texts.append(
            f"{from_data} of {len(found.recordings)} clocks were aligned from the measured "
            "movements themselves. That flatters the agreement of single taps in time (a constant "
            "delay between the devices cannot be seen) and does not touch features."
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
                facts.get("sampling_rate_hz", ""),
                facts.get("repairs", "") or "none",
                video.get("measured_fps", "") or DASH,
                f"{video.get('dropped_frames') or DASH} / {video.get('duplicate_frames') or DASH}",
                video.get("longest_gap_s", "") or DASH,
                video.get("tracked_frames_pct", "") or DASH,
            )
        )
    return Table(
        "What measured: sensor log and video",
        ("recording", "sensor", "format, signal", "sensor rate, Hz", "repairs of the log",
         "video, frames/s", "frames lost / repeated", "longest gap, s", "frames tracked, %"),
        tuple(rows),
        numeric=frozenset({3, 5, 6, 7, 8}),
    )  # fmt: skip


def methods(found: Comparison) -> Section:
    """Tell settings and the variant of each statistic."""
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
    """Show the checklist and mark what only the authors can fill."""
    items = grras_items(found)
    table = Table(
        "GRRAS: guidelines for reporting reliability and agreement studies",
        ("item", "section", "asks", "filled by the tool", "answer"),
        tuple(
            (str(i.number), i.section, i.asks, _FILLED[i.filled], i.answer or "to be written")
            for i in items
        ),
        marked=frozenset(place for place, item in enumerate(items) if item.filled != "filled"),
        note="Kottner et al. 2011, doi:10.1016/j.jclinepi.2010.03.002. Marked rows need the "
        "authors: the tool cannot know.",
    )
    return Section("grras", "Reporting checklist (GRRAS)", (), (table,))


def provenance(found: Comparison) -> Section:
    """Tell versions, command, time and hashes."""
    text = "run.json holds the same with the full configuration and package versions."
    table = Table(
        "Where these numbers come from", ("what", "value"), tuple(found.provenance.items())
    )
    return Section("provenance", "Provenance", (text,), (table,))
