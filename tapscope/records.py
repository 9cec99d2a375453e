"""What travels between the stages: frozen records that check themselves."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Unit = Literal["px", "hand_lengths", "mm", "deg", "none"]
UNITS: tuple[str, ...] = get_args(Unit)


def _check_times(time_s: FloatArray, owner: str) -> None:
    if time_s.ndim != 1:
        raise ValueError(f"{owner}: time_s must be one-dimensional, has shape {time_s.shape}")
    if not np.isfinite(time_s).all():
        raise ValueError(f"{owner}: time_s holds NaN or infinity")
    if time_s.size > 1 and not (np.diff(time_s) > 0).all():
        raise ValueError(f"{owner}: time_s must rise strictly")


@dataclass(frozen=True, slots=True)
class FrameBatch:
    """Some consecutive frames of one video, in display orientation."""

    pixels: NDArray[np.uint8]
    """RGB, shape (frames, height, width, 3)."""
    time_s: FloatArray
    """Presentation time of each frame in seconds, the video's first frame = 0; shape (frames,)."""
    first_frame: int
    """Index of the first frame within the video, counted over decoded frames."""

    def __post_init__(self) -> None:
        if self.pixels.ndim != 4 or self.pixels.shape[3] != 3:
            raise ValueError(f"FrameBatch: pixels must be (n, h, w, 3), is {self.pixels.shape}")
        if self.pixels.dtype != np.uint8:
            raise ValueError(f"FrameBatch: pixels must be uint8, are {self.pixels.dtype}")
        if self.time_s.shape != self.pixels.shape[:1]:
            raise ValueError("FrameBatch: one time per frame is needed")
        _check_times(self.time_s, "FrameBatch")

    def __len__(self) -> int:
        return len(self.time_s)


@dataclass(frozen=True, slots=True)
class Keypoints:
    """Keypoints of one hand over a recording, as the network saw them (not smoothed)."""

    time_s: FloatArray
    """Presentation time of each frame in seconds; shape (frames,)."""
    position_px: FloatArray
    """x and y in pixels, display orientation; shape (frames, keypoints, 2), NaN unknown."""
    confidence: FloatArray
    """Chance that a keypoint is within a tenth of the hand of its place; (frames, keypoints)."""
    reason: NDArray[np.str_]
    """Why a frame has no tips: '', 'no_hand', 'low_confidence' ...; shape (frames,)."""
    names: tuple[str, ...]
    """Name of each keypoint."""
    blur_px: FloatArray
    """Length of the motion smear of the tips in pixels, NaN unknown; shape (frames,)."""
    agreement: FloatArray
    """Whether the network put both tips in the same places when it saw the frame mirrored: 1 yes,
    0 no, NaN where it was not asked; shape (frames,)."""
    info: Mapping[str, str] = field(default_factory=dict)
    """How the hand was chosen ('side', 'side_source' ...) and other facts for the record."""

    def __post_init__(self) -> None:
        _check_times(self.time_s, "Keypoints")
        frames, keypoints = len(self.time_s), len(self.names)
        for name, shape in (
            ("position_px", (frames, keypoints, 2)),
            ("confidence", (frames, keypoints)),
            ("reason", (frames,)),
            ("blur_px", (frames,)),
            ("agreement", (frames,)),
        ):
            found = getattr(self, name).shape
            if found != shape:
                raise ValueError(f"Keypoints: {name} must have shape {shape}, has {found}")

    def select(self, frames: NDArray[np.integer]) -> "Keypoints":
        """Return the record of some frames, given by their numbers; shape (frames,)."""
        names = ("time_s", "position_px", "confidence", "reason", "blur_px", "agreement")
        return replace(self, **{name: getattr(self, name)[frames] for name in names})

    def position_of(self, name: str) -> FloatArray:
        """Return x and y of the keypoint called `name`, shape (frames, 2)."""
        return self.position_px[:, self.names.index(name)]


@dataclass(frozen=True, slots=True)
class Trajectory:
    """One-dimensional aperture of the hand over time: small = closed, large = open."""

    time_s: FloatArray
    """Seconds, rising strictly, not necessarily evenly; shape (samples,)."""
    aperture: FloatArray
    """Distance of the tips (or the angle between them) in `unit`; NaN unknown; shape (samples,)."""
    unit: Unit
    """Unit of `aperture`."""
    source: Literal["video", "gyroscope", "accelerometer", "position", "analytic"]
    """What measured it."""
    noise: float = float("nan")
    """Standard deviation of the noise of `aperture`, in `unit`; NaN = to be estimated."""
    info: Mapping[str, str] = field(default_factory=dict)
    """How it was made, step by step, for the record."""

    def __post_init__(self) -> None:
        _check_times(self.time_s, "Trajectory")
        if self.aperture.shape != self.time_s.shape:
            raise ValueError("Trajectory: aperture and time_s must have the same shape")
        if self.unit not in UNITS:
            raise ValueError(f"Trajectory: unit {self.unit!r} is none of {UNITS}")
        if np.isinf(self.aperture).any():
            raise ValueError("Trajectory: aperture holds infinity")

    @property
    def sampling_rate_hz(self) -> float:
        """Median sampling rate in Hz (NaN with fewer than two samples)."""
        if len(self.time_s) < 2:
            return float("nan")
        return float(1.0 / np.median(np.diff(self.time_s)))


@dataclass(frozen=True, slots=True)
class Bout:
    """A time of tapping between two rests."""

    start_s: float
    """Where the first opening begins, seconds."""
    end_s: float
    """Where the last closing ends, seconds."""
    peak_s: FloatArray
    """Moment of the widest aperture of each of its taps, seconds; shape (taps,)."""


@dataclass(frozen=True, slots=True)
class Task:
    """The part of a recording in which the task is done."""

    start_s: float
    """Where the first opening of the task begins, seconds; NaN where nothing taps."""
    end_s: float
    """Where its last closing ends, seconds; NaN where nothing taps."""
    bouts: tuple[Bout, ...] = ()
    """All bouts of the recording, in order of time; the task is the longest."""


@dataclass(frozen=True, slots=True)
class Taps:
    """The taps of one recording, closure to closure; one element of each array a tap."""

    closure_s: FloatArray
    """Middle of the closed phase that begins the tap, seconds."""
    next_closure_s: FloatArray
    """Middle of the closed phase that ends the tap, seconds."""
    peak_s: FloatArray
    """Moment of the widest aperture, seconds, between the two."""
    amplitude: FloatArray
    """Widest aperture less the aperture at closure (mean of both sides), in `unit`; NaN unknown."""
    opening_speed_mean: FloatArray
    """Amplitude of the opening phase over its duration, unit per second."""
    opening_speed_peak: FloatArray
    """Largest speed of opening, unit per second."""
    closing_speed_mean: FloatArray
    """Amplitude of the closing phase over its duration, unit per second, positive."""
    closing_speed_peak: FloatArray
    """Largest speed of closing, unit per second, positive."""
    flags: NDArray[np.str_]
    """Codes per tap, joined by ';': 'gap', 'interrupted', 'closure_inferred' ...; '' = none."""
    unit: Unit
    """Unit of amplitude and speeds."""

    def __post_init__(self) -> None:
        for name in self._array_names():
            if getattr(self, name).shape != (len(self.closure_s),):
                raise ValueError(f"Taps: {name} must have one value per tap")
        if not ((self.closure_s < self.peak_s).all() and (self.peak_s < self.next_closure_s).all()):
            raise ValueError("Taps: closure, peak and next closure must follow one another")
        if not (self.next_closure_s[:-1] <= self.closure_s[1:]).all():
            raise ValueError("Taps: taps must not overlap")

    def __len__(self) -> int:
        return len(self.closure_s)

    @classmethod
    def _array_names(cls) -> list[str]:
        return [part.name for part in fields(cls) if part.name != "unit"]

    def select(self, selected: NDArray[np.bool_]) -> "Taps":
        """Return the taps for which `selected`, shape (taps,), is true."""
        return replace(self, **{n: getattr(self, n)[selected] for n in self._array_names()})

    @property
    def interval_s(self) -> FloatArray:
        """Time from closure to closure of each tap, seconds."""
        return self.next_closure_s - self.closure_s
