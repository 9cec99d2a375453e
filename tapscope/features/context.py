"""What features are computed from."""

from dataclasses import dataclass, field

import numpy as np

from tapscope.protocol.rules import HaltRules
from tapscope.records import FloatArray, Taps, Trajectory
from tapscope.signal.smoothing import Movement

UNKNOWN = float("nan")


@dataclass(frozen=True, slots=True)
class Acquisition:
    """Facts of the image that the trajectory does not hold; NaN unknown or not a video."""

    measured_fps: float = UNKNOWN
    """Frames a second by the time stamps."""
    dropped_frames: float = UNKNOWN
    """Frames missing by the time stamps."""
    duplicate_frames: float = UNKNOWN
    """Frames that repeat the image before them."""
    median_confidence: float = UNKNOWN
    """Median over frames of the lower confidence of both tips, 0 to 1."""
    mirror_agreement_pct: float = UNKNOWN
    """Share of the frames seen twice, once mirrored, in which both tips were in the same places."""
    hand_px: float = UNKNOWN
    """Length of the hand, wrist to middle knuckle, in pixels."""
    blur_px: float = UNKNOWN
    """Median smear of the tips in pixels."""
    px_per_unit: float = UNKNOWN
    """Pixels that one unit of the trajectory makes."""


@dataclass(frozen=True, slots=True)
class Context:
    """One recording, ready for the features."""

    trajectory: Trajectory
    movement: Movement
    taps: Taps
    acquisition: Acquisition = field(default_factory=Acquisition)
    metronome_rate_hz: float | None = None
    """Rate that was to be followed; None when free."""
    halt_rules: HaltRules = field(default_factory=HaltRules)
    """What counts as a halt and as a hesitation."""

    @property
    def amplitude(self) -> FloatArray:
        """Return the known amplitudes of the taps, in their order."""
        return self.taps.amplitude[np.isfinite(self.taps.amplitude)]

    @property
    def interval_s(self) -> FloatArray:
        """Return the inter-tap intervals in seconds."""
        return self.taps.interval_s

    @property
    def range(self) -> float:
        """Return the range of the movement, 5th to 95th percentile."""
        if not self.movement.stretches:
            return UNKNOWN
        every = np.concatenate([stretch.aperture for stretch in self.movement.stretches])
        low, high = np.percentile(every, [5, 95])
        return float(high - low)
