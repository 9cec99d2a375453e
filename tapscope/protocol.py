"""Protocols: what a recording is expected to hold and how it is turned into numbers."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GapRules:
    """Which losses are bridged; longer ones cut the recording and no tap spans them."""

    max_gap_s: float = 0.2
    """Longest time between two known samples that is bridged."""
    max_gap_cycles: float = 0.6
    """The same in cycles of the measured tapping rate (one lost frame is always bridged)."""


@dataclass(frozen=True, slots=True)
class SmoothingRules:
    """How the movement between and under the noise of the samples is estimated."""

    passband_rates: float = 1.5
    """Highest frequency passed unharmed, in multiples of the measured tapping rate, at least."""
    power_share: float = 0.98
    """The passband also holds this share of the power above the noise."""
    grid_hz: float = 480.0
    """Rate at which the estimated movement is evaluated."""


@dataclass(frozen=True, slots=True)
class TapRules:
    """What counts as a tap."""

    swing_share: float = 0.25
    """Least rise and fall of a tap, as a share of the range of movement around it."""
    floor_share: float = 0.08
    """Least rise and fall of a tap, as a share of the range of the recording."""
    noise_multiple: float = 4.0
    """Least rise and fall of a tap, in standard deviations of the noise."""
    window_s: float = 1.5
    """Half the time over which the range of movement is taken."""
    min_interval_s: float = 0.09
    """Shortest possible tap."""
    closed_levels: tuple[float, float] = (0.15, 0.4)
    """Shares of the amplitude at which the edges of the closed phase are looked for."""
    edge_share: float = 0.25
    """How far above its neighbours a closure cut off by the recording's end may lie."""
