"""SensorRecording -> Trajectory of the aperture, for the same tap and feature code as a video."""

from collections.abc import Iterator
from typing import Final, Literal

import numpy as np
from scipy.signal import butter, find_peaks, sosfiltfilt

from tapscope.errors import SensorError
from tapscope.records import FloatArray, Taps, Trajectory
from tapscope.sensors.gyroscope import index_angle
from tapscope.sensors.plausibility import check_varies
from tapscope.sensors.recording import UNPLACED, Kind, SensorRecording, Signal

Sign = Literal[-1, 1]
_GAP_STEPS: Final = 5.0  # median steps
_GAP_S: Final = 0.1
_SHORTEST_STRETCH_S: Final = 1.5
_WIDEST_MM: Final = 300.0
_NARROWEST_MM: Final = 2.0
_LEAST_CONTACT_HZ: Final = 100.0
_CONTACT_FROM_HZ: Final = 20.0
_CONTACT_GATE: Final = 6.0  # times the median of the signal above 20 Hz
_CONTACT_APART_S: Final = 0.09


def to_trajectory(recording: SensorRecording) -> Trajectory:
    """Turn a sensor log into the aperture of the hand over the sensor's clock.

    Positions give the distance of the tips (mm), gyroscopes the aperture angle (degrees, zero at
    each closure). Accelerometers only give the contacts: their aperture runs from 0 at a contact
    to 1 between two, has the unit 'none' and means nothing as an amplitude (see `contact_taps`).

    Positions are used where the log has them, else gyroscopes, else accelerometers.

    Returns
    -------
    Trajectory
        Samples without value are NaN; gaps are left open. For gyroscopes `info['sign']` says
        whether the sidecar's OpeningAxis gives the rotation that opens the hand ('sidecar') or
        positive rotation about the dominant axis (its largest component taken as positive) is
        'assumed' to: then `both_signs` and `tapscope.sync.cross_correlation.choose_sign` find it
        from the video.

    Raises
    ------
    SensorError
        The log has no such signal on the fingers, it is too slow, too short or constant, or
        distances are impossible for a hand.
    """
    kind = _best_kind(recording)
    if kind == "pos":
        return _distance(recording)
    if kind == "gyro":
        return _angle(recording, None)
    return _contact_trajectory(recording)


def gap_from_s(time_s: FloatArray) -> float:
    """Return above which step two samples have a gap between them, s: 5 median steps, or 0.1 s."""
    return max(_GAP_STEPS * float(np.median(np.diff(time_s))), _GAP_S)


def both_signs(recording: SensorRecording) -> tuple[Trajectory, Trajectory]:
    """Return the aperture angle twice: positive rotation opens the hand, negative rotation does."""
    return _angle(recording, 1), _angle(recording, -1)


def contact_taps(recording: SensorRecording) -> Taps:
    """Return the taps between contacts seen by an accelerometer; amplitude and speeds are NaN.

    Raises
    ------
    SensorError
        As `to_trajectory`.
    """
    contact_s = find_contacts(_placed(recording, "acc"), recording)
    unknown = np.full(max(contact_s.size - 1, 0), np.nan)
    return Taps(
        closure_s=contact_s[:-1],
        next_closure_s=contact_s[1:],
        peak_s=0.5 * (contact_s[:-1] + contact_s[1:]),
        amplitude=unknown,
        opening_speed_mean=unknown,
        opening_speed_peak=unknown,
        closing_speed_mean=unknown,
        closing_speed_peak=unknown,
        flags=np.full(unknown.size, "", dtype=np.str_),
        unit="none",
    )


def find_contacts(signal: Signal, recording: SensorRecording) -> FloatArray:
    """Return when the tips touch, seconds: bursts of acceleration above 20 Hz.

    A burst passes 6 times the signal's median and a quarter of the median burst, so that one
    knock on the table does not hide the taps. Bursts are at least 90 ms apart.

    Raises
    ------
    SensorError
        Fewer than 100 samples a second: a contact lasts some 10 ms.
    """
    if signal.sampling_rate_hz < 0.98 * _LEAST_CONTACT_HZ:
        raise SensorError(
            f"{recording.source}: {signal.name} at {signal.sampling_rate_hz:.0f} Hz; contacts need "
            f"an accelerometer of {_LEAST_CONTACT_HZ:.0f} Hz or more"
        )
    found = []
    for time_s, xyz in _stretches(signal):
        rate_hz = (len(time_s) - 1) / float(time_s[-1] - time_s[0])
        high = butter(2, _CONTACT_FROM_HZ, "highpass", fs=rate_hz, output="sos")
        burst = np.linalg.norm(sosfiltfilt(high, xyz, axis=0), axis=1)
        quiet = float(np.median(burst))
        apart = max(1, round(_CONTACT_APART_S * rate_hz))
        peaks, _ = find_peaks(burst, height=_CONTACT_GATE * quiet, distance=apart)
        if peaks.size:
            peaks = peaks[burst[peaks] > 0.25 * np.median(burst[peaks])]
        found.append(time_s[peaks])
    return np.concatenate(found) if found else np.empty(0)


def _best_kind(recording: SensorRecording) -> Kind:
    if recording.signal("thumb", "pos") and recording.signal("index", "pos"):
        return "pos"
    kinds: tuple[Kind, ...] = ("gyro", "acc")
    for kind in kinds:
        if any(recording.signal(place, kind) for place in ("index", "thumb")):
            return kind
    raise _no_finger(recording, "motion")


def _placed(recording: SensorRecording, kind: Kind) -> Signal:
    signal = recording.signal("index", kind) or recording.signal("thumb", kind)
    if signal is None:
        raise _no_finger(recording, kind)
    check_varies(signal, recording.source)
    return signal


def _no_finger(recording: SensorRecording, what: str) -> SensorError:
    example = "thumb" if recording.signals[0].place == UNPLACED else recording.signals[0].place
    return SensorError(
        f"{recording.source}: no {what} signal is known to sit on thumb or index finger; the log "
        f"has {', '.join(recording.names)[:300]}. State it in the sidecar: "
        f'"Placement": {{"index": "{example}"}}, or "Placement": "index" for a single sensor'
    )


def _distance(recording: SensorRecording) -> Trajectory:
    thumb, index = recording.signal("thumb", "pos"), recording.signal("index", "pos")
    if thumb is None or index is None:
        raise _no_finger(recording, "position")
    thumb_m = thumb.xyz.astype(np.float64)
    if not np.array_equal(thumb.time_s, index.time_s):
        thumb_m = _onto(thumb, index.time_s)
    aperture_mm = 1000.0 * np.linalg.norm(index.xyz - thumb_m, axis=1)
    if not np.isfinite(aperture_mm).any():
        raise SensorError(f"{recording.source}: the tips are never seen at the same time")
    check_varies(index, recording.source)
    widest_mm = float(np.nanquantile(aperture_mm, 0.99))
    if not _NARROWEST_MM < widest_mm < _WIDEST_MM:
        raise SensorError(
            f"{recording.source}: the tips lie up to {widest_mm:.3g} mm apart in the unit stated; "
            f"expected {_NARROWEST_MM:g} to {_WIDEST_MM:g}. Correct the unit or the placement"
        )
    info = {"steps": "distance of thumb and index tip"}
    return Trajectory(index.time_s, aperture_mm, "mm", "position", info=info)


def _onto(signal: Signal, time_s: FloatArray) -> FloatArray:
    """Interpolate a signal at other times; NaN in its gaps and outside."""
    values = np.full((time_s.size, 3), np.nan)
    for known_s, xyz in _stretches(signal, shortest_s=0.0):
        inside = (time_s >= known_s[0]) & (time_s <= known_s[-1])
        for axis in range(3):
            values[inside, axis] = np.interp(time_s[inside], known_s, xyz[:, axis])
    return values


def _angle(recording: SensorRecording, opening_sign: Sign | None) -> Trajectory:
    signal = _placed(recording, "gyro")
    thumb = recording.signal("thumb", "gyro")
    sign, sign_source = _opening_sign(recording, signal, opening_sign)
    times, angles = [], []
    info: dict[str, str] = {}
    for time_s, xyz in _stretches(signal):
        rate_hz = (len(time_s) - 1) / float(time_s[-1] - time_s[0])
        even_s = np.linspace(time_s[0], time_s[-1], len(time_s))
        even = np.stack([np.interp(even_s, time_s, axis) for axis in xyz.T], axis=1)
        beside = np.zeros_like(even)
        if thumb is not None and thumb is not signal:
            beside = np.nan_to_num(_onto(thumb, even_s))
        angle_deg, steps = index_angle(beside, even, rate_hz, sign)
        info = info or dict(steps)
        times.append(even_s)
        angles.append(angle_deg)
    if not times:
        raise SensorError(
            f"{recording.source}: {signal.name} has no {_SHORTEST_STRETCH_S:g} s without a gap"
        )
    info |= {"signal": signal.name, "sign": sign_source, "stretches": str(len(times))}
    return Trajectory(np.concatenate(times), np.concatenate(angles), "deg", "gyroscope", info=info)


def _opening_sign(
    recording: SensorRecording, signal: Signal, asked: Sign | None
) -> tuple[Sign, str]:
    """Return the sense about the dominant axis that opens the hand, and where that comes from."""
    if asked is not None:
        return asked, "given"
    stated = recording.opening_axis.get(signal.place)
    if stated is None:
        return 1, "assumed"
    known = signal.xyz[np.isfinite(signal.xyz).all(axis=1)].astype(np.float64)
    _, axes = np.linalg.eigh(np.cov(known.T))
    dominant = axes[:, -1] * np.sign(axes[np.abs(axes[:, -1]).argmax(), -1])
    return (1 if float(dominant @ np.array(stated)) > 0 else -1), "sidecar"


def _contact_trajectory(recording: SensorRecording) -> Trajectory:
    signal = _placed(recording, "acc")
    contact_s = find_contacts(signal, recording)
    aperture = np.full(signal.time_s.size, np.nan)
    if contact_s.size > 1:
        inside = (signal.time_s >= contact_s[0]) & (signal.time_s <= contact_s[-1])
        phase = np.interp(signal.time_s[inside], contact_s, np.arange(contact_s.size))
        aperture[inside] = np.sin(np.pi * phase) ** 2
    info = {"signal": signal.name, "steps": "contacts; 0 at contact, 1 between", "amplitude": "no"}
    return Trajectory(signal.time_s, aperture, "none", "accelerometer", info=info)


def _stretches(
    signal: Signal, shortest_s: float = _SHORTEST_STRETCH_S
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Yield times and values of each stretch without gaps and NaN that is long enough."""
    known = np.isfinite(signal.xyz).all(axis=1)
    time_s, xyz = signal.time_s[known], signal.xyz[known].astype(np.float64)
    if time_s.size < 2:
        return
    gaps = np.diff(time_s) > gap_from_s(time_s)
    for part in np.split(np.arange(time_s.size), np.flatnonzero(gaps) + 1):
        if part.size > 1 and time_s[part[-1]] - time_s[part[0]] >= shortest_s:
            yield time_s[part], xyz[part]
