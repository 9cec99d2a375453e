"""Every number that decides how clocks are related, with its unit and meaning."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class SyncSettings:
    """Settings of the synchronisation."""

    # The common grid
    grid_hz: float = 200.0
    """Samples a second on which both movements are put."""
    gap_s: float = 0.12
    """A longer step between known samples is a gap: three frames at 30 frames a second."""
    gap_steps: float = 2.5
    """The same for slower signals, in median steps."""
    min_stretch_s: float = 0.6
    """Shorter stretches between gaps are not used."""
    filter_order: int = 2
    """Of the Butterworth band-pass, run forwards and backwards."""
    band_hz: tuple[float, float] = (0.3, 8.0)
    """Pass band of the movement, Hz."""
    band_top_rates: float = 2.3
    """The band ends at this multiple of the tapping rate where that is lower."""
    band_top_range: tuple[float, float] = (2.0, 1.5)
    """Limits of the band's end: at least so many Hz; for fast taps so many tapping rates."""

    # The search for the offset
    aperture_weight: float = 0.7
    """Weight of the correlation of the apertures, 0 to 1; the rest is that of the speeds."""
    min_overlap_s: float = 2.5
    """Seconds that both sides must know at an offset that is considered."""
    min_overlap_share: float = 1.0 / 3.0
    """The same, as a share of the shorter side."""
    second_peak_share: float = 0.5
    """Peaks at least so high, as a share of the highest, show what a wrong offset gives."""
    min_residual: float = 0.01
    """Least share of the variance that two views of one hand leave unexplained (r = 0.995)."""

    # Trust
    accept_r: float = 0.9
    """Correlation over which an offset is accepted if its margin is wide."""
    accept_margin: float = 0.05
    """How much the correlation must exceed that of the second peak."""
    pattern_r: float = 0.8
    """Correlation over which an offset is accepted if the pattern of the taps excludes others."""
    pattern_evidence: float = 10.0
    """Log likelihood ratio against the second peak that excludes it."""
    pattern_interval_cv: float = 0.03
    """Taps whose intervals vary less have no pattern that could exclude another offset."""
    min_taps: int = 6
    """Taps that both sides must show at the offset."""
    min_tap_evidence: float = 3.0
    """Log likelihood ratio of one movement against two unrelated ones, from the moments of taps."""

    # The moments of taps
    crossing_level: float = 0.3
    """The aperture must swing so far to both sides of its mean, in its standard deviations."""
    match_share: float = 0.35
    """Taps of both sides match within this share of the median interval."""
    chance_sds: float = 1.0
    """Unrelated intervals share so many standard errors of their covariance by chance."""
    clip_sds: float = 3.0
    """Intervals are clipped at so many robust standard deviations: a halt is no rhythm."""

    # The drift
    drift_from_s: float = 60.0
    """A drift of tens of parts per million cannot be measured over less time."""
    drift_window_s: float = 10.0
    """Length of the windows whose offsets are measured one by one."""
    drift_reach_s: float = 0.1
    """How far a window's offset may lie from that of the whole."""
    drift_min_r: float = 0.8
    """Windows that correlate less are left out."""
    drift_min_windows: int = 5
    """Fewer windows give no drift."""
    drift_max_interval_ppm: float = 50.0
    """A drift is claimed where half of its 95 % interval is at most this, parts per million."""

    # A cue
    cue_within_s: float = 0.06
    """How far from a cue's offset the sign of a gyroscope may be looked for."""


SETTINGS: Final = SyncSettings()
