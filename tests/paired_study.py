"""Makes studies of video and sensor: a table as `tapscope analyze` writes it, and sensor logs.

`from_truth` takes the true tips of a rendered study for what a video showed; `made_up` invents
movements and writes both sides.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from tapscope.output import columns, table
from tapscope.pipeline.cache import RecordingResult, folder_of, row_of, store
from tapscope.pipeline.measurement import measure
from tapscope.pipeline.recordings import Recording
from tapscope.protocol.protocol import Protocol, load
from tapscope.records import FloatArray, Keypoints
from tapscope.video.stream_summary import StreamSummary
from tests.synthetic import HEADER

ORIGIN = {"tapscope_version": "0", "weights": "none", "protocol": "none"}
HAND_PX = 120.0
AXIS = (0.2, -0.1, 0.97)
"""About which the made-up index finger turns when the hand opens."""
NAMES = ("sub-01_hand-left_run-1", "sub-02_hand-right_run-1", "sub-03_hand-left_run-1")
RATES_HZ = (1.6, 2.6, 3.4)
OFFSET_S = 40.0
DURATION_S = 10.0
CLOSED_PX, OPEN_PX = 10.0, 110.0


def described(name: str, protocol: Protocol, extra: dict[str, str] | None = None) -> Recording:
    """Return a recording of which the name says who it is."""
    said = protocol.parse_name(name.rpartition("/")[2])
    return Recording(
        Path(f"{name}.mp4"),
        name,
        f"{name}.mp4",
        participant_id=said.participant_id,
        session_id=said.session_id,
        hand=said.hand,
        trial=said.trial,
        extra=extra,
    )


def result_of(
    recording: Recording, time_s: FloatArray, tips_px: FloatArray, protocol: Protocol
) -> RecordingResult:
    """Analyse tips, (frames, thumb and index, x and y), as if a network had seen them."""
    frames = len(time_s)
    wrist = np.tile((320.0, 400.0), (frames, 1))
    position_px = np.stack((wrist, tips_px[:, 0], tips_px[:, 1], wrist - (0, HAND_PX)), axis=1)
    keypoints = Keypoints(
        time_s=time_s,
        position_px=position_px,
        confidence=np.full((frames, 4), 0.95),
        reason=np.full(frames, "", dtype="<U16"),
        names=("wrist", "thumb_tip", "index_tip", "middle_mcp"),
        blur_px=np.full(frames, np.nan),
        agreement=np.full(frames, np.nan),
    )
    step_s = np.diff(time_s)
    usual_s = float(np.median(step_s))
    summary = StreamSummary(
        decoded_frames=frames,
        decoder="decord",
        decoder_reason="",
        truncated=False,
        truncated_reason="",
        damaged_packets=0,
        measured_fps=1 / usual_s,
        variable_frame_rate=bool(np.ptp(step_s) > 0.1 * usual_s),
        dropped_frames=int(np.round(step_s / usual_s - 1).sum()),
        duplicate_frames=0,
        repeated_stamps=0,
        backward_frames=0,
        longest_interval_s=float(step_s.max()),
        duration_s=float(time_s[-1] - time_s[0] + usual_s),
        first_pts_s=0.0,
        shown_fps=1 / usual_s,
    )
    return measure(keypoints, HEADER, summary, recording, protocol, facts={})


def write_features(
    out: Path,
    results: Sequence[tuple[Recording, RecordingResult]],
    protocol: Protocol,
    extra: Sequence[str] = (),
) -> Path:
    """Write a table and its folder as `tapscope analyze` does; return the table's path."""
    folder = folder_of(out)
    rows = [
        row_of(recording, store(folder, recording, result, origin=ORIGIN, video_sha256=""))
        for recording, result in results
    ]
    numeric = columns.numeric_columns(protocol)
    table.write_table(out, columns.all_columns(protocol, extra), rows, numeric)
    return out


def from_truth(
    study: Path, out: Path, *, noise_px: float = 1.5, seed: int = 20, only: Sequence[str] = ()
) -> Path:
    """Write the table that a video analysis with noisy tips would give of a rendered study."""
    protocol = load()
    rng = np.random.default_rng(seed)
    results = []
    for file in sorted(study.glob("truth/*.json")):
        truth = json.loads(file.read_text())
        time_s = np.array(truth["frame_times_s"], dtype=np.float64)
        tips_px = np.array(truth["tips_px"], dtype=np.float64)
        tips_px += rng.normal(0, noise_px, tips_px.shape)
        if only and file.stem not in only:
            continue
        recording = described(file.stem, protocol)
        results.append((recording, result_of(recording, time_s - time_s[0], tips_px, protocol)))
    return write_features(out, results, protocol)


def irregular_contacts(rng: np.random.Generator, rate_hz: float, duration_s: float) -> FloatArray:
    """Return moments of contact whose intervals vary by a seventh."""
    count = int(duration_s * rate_hz * 2)
    return np.cumsum(rng.normal(1, 0.15, count).clip(0.6, 1.5) / rate_hz)


def aperture(time_s: FloatArray, contact_s: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return a movement of about 1 between contacts, 0 at these."""
    height = rng.normal(1, 0.12, contact_s.size + 1).clip(0.6, 1.4)
    tap = np.searchsorted(contact_s, time_s)
    phase = np.interp(time_s, contact_s, np.arange(contact_s.size, dtype=np.float64))
    inside = (time_s >= contact_s[0]) & (time_s <= contact_s[-1])
    return np.where(inside, height[tap] * np.sin(np.pi * phase) ** 2, 0.0)


def write_gyroscope(
    path: Path, time_s: FloatArray, angle_deg: FloatArray, hand: str, noise: float = 0.02
) -> None:
    """Write a log with the angular velocity of thumb and index finger; no axis is stated."""
    rng = np.random.default_rng(time_s.size)
    velocity = np.radians(np.gradient(angle_deg, time_s))
    index = np.outer(velocity, AXIS) + rng.normal(0, noise, (time_s.size, 3))
    thumb = 0.2 * index + rng.normal(0, noise, index.shape)
    columns = {"time_s": time_s}
    for finger, values in (("thumb", thumb), ("index", index)):
        columns |= {f"{finger}_gyro_{xyz}": values[:, n] for n, xyz in enumerate("xyz")}
    sidecar = {
        "SamplingFrequency": 100,
        "Units": {"time": "s", "gyro": "rad/s"},
        "Hand": hand,
        "Placement": "distal phalanx of thumb and index finger",
    }
    write_columns(path, columns, sidecar)


def write_columns(path: Path, columns: Mapping[str, FloatArray], sidecar: object) -> None:
    """Write a neutral CSV and its sidecar."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table_of = np.column_stack(list(columns.values()))
    header = ",".join(columns)
    np.savetxt(path, table_of, fmt="%.5f", delimiter=",", header=header, comments="")
    path.with_suffix(".json").write_text(json.dumps(sidecar))


def movement(
    place: int, rate_hz: float, duration_s: float
) -> tuple[FloatArray, Callable[[FloatArray], FloatArray]]:
    """Return the contacts of the made-up recording at this place, and its aperture at any times."""
    rng = np.random.default_rng(place + 1)
    contact_s = irregular_contacts(rng, rate_hz, duration_s)
    heights = int(rng.integers(1 << 30))
    return contact_s, lambda time_s: aperture(time_s, contact_s, np.random.default_rng(heights))


def made_up(
    folder: Path,
    names: Sequence[str] = NAMES,
    *,
    rates_hz: Sequence[float] = RATES_HZ,
    offset_s: float = OFFSET_S,
    duration_s: float = DURATION_S,
    video_s: float | None = None,
    px_per_mm: float | None = None,
) -> Path:
    """Write features.csv, its folder and logs/ for invented recordings; return the table's path.

    Each log's clock is `offset_s` plus the recording's place ahead of the video's. `video_s` is how
    long the videos last, where they show only the first part of the movement.
    """
    protocol = load()
    results = []
    for place, name in enumerate(names):
        _, aperture_at = movement(place, rates_hz[place % len(rates_hz)], duration_s)
        sensor_s = np.arange(-1.0, duration_s + 1.0, 0.01)
        recording = replace(described(name, protocol), px_per_mm=px_per_mm)
        write_gyroscope(
            folder / "logs" / f"{name}.csv",
            sensor_s + offset_s + place,
            45 * aperture_at(sensor_s),
            recording.hand,
        )
        frame_s = np.arange(0.0, duration_s if video_s is None else video_s, 1 / 30)
        tips_px = np.full((frame_s.size, 2, 2), 300.0)
        tips_px[:, 1, 0] += CLOSED_PX + OPEN_PX * aperture_at(frame_s)
        tips_px += np.random.default_rng(place + 100).normal(0, 0.5, tips_px.shape)
        results.append((recording, result_of(recording, frame_s, tips_px, protocol)))
    return write_features(folder / "features.csv", results, protocol)
