"""The measurement rules of a protocol, group by group, with the limits of each value."""

from dataclasses import dataclass
from typing import NamedTuple


class Limit(NamedTuple):
    """The allowed values of one rule."""

    key: str
    """Name of the rule within its group."""
    holds: bool
    """Whether the value is allowed."""
    expected: str
    """The allowed values, for the error message."""


@dataclass(frozen=True, slots=True)
class TimeRules:
    """Which part of a recording is analysed."""

    start_s: float = 0.0
    """Start of the analysis, seconds after the first frame."""
    max_duration_s: float = 3600.0
    """Longest time that is analysed, seconds."""

    def limits(self) -> list[Limit]:
        """Return the limits of these rules."""
        return [
            Limit("start_s", self.start_s >= 0, "0 or more"),
        ]


@dataclass(frozen=True, slots=True)
class GapRules:
    """Which losses are bridged; longer ones cut the recording and no tap spans them."""

    max_gap_s: float = 0.2
    """Longest time between two known samples that is bridged."""
    max_gap_cycles: float = 0.6
    """The same in cycles of the measured tapping rate (one lost frame is always bridged)."""
    max_inferred_s: float = 0.6
    """Longest time whose movement is inferred from its neighbours: a closure that hid the tips, a
    peak (of unknown amplitude), or the rest of a branch ..."""
    max_inferred_cycles: float = 1.25
    """... and the same in cycles of the measured tapping rate."""

    def limits(self) -> list[Limit]:
        """Return the limits of these rules."""
        return [
            Limit("max_gap_s", self.max_gap_s >= 0, "0 or more"),
            Limit("max_gap_cycles", 0 <= self.max_gap_cycles <= 2, "0 to 2"),
            Limit("max_inferred_s", self.max_inferred_s >= 0, "0 or more"),
            Limit("max_inferred_cycles", 0 <= self.max_inferred_cycles <= 1.5, "0 to 1.5"),
        ]


@dataclass(frozen=True, slots=True)
class SmoothingRules:
    """How the smooth movement is estimated from noisy samples."""

    passband_rates: float = 1.5
    """Smallest passband, in multiples of the measured tapping rate."""
    power_share: float = 0.98
    """The passband also contains this share of the power above the noise."""
    max_jump_share: float = 0.3
    """A single sample this share of the range off its neighbours is left out ..."""
    jump_multiple: float = 8.0
    """... where that is as many times what samples usually lie off theirs."""
    grid_hz: float = 480.0
    """Sampling rate of the estimated movement, Hz."""

    def limits(self) -> list[Limit]:
        """Return the limits of these rules."""
        return [
            Limit(
                "passband_rates",
                self.passband_rates >= 1,
                "1 or more, because less would smooth the tapping itself away",
            ),
            Limit("power_share", 0.5 <= self.power_share < 1, "0.5 or more, under 1"),
            Limit("max_jump_share", self.max_jump_share > 0, "over 0"),
            Limit("jump_multiple", self.jump_multiple >= 4, "4 or more"),
            Limit("grid_hz", 120 <= self.grid_hz <= 2000, "120 to 2000"),
        ]


@dataclass(frozen=True, slots=True)
class KeypointRules:
    """Which keypoints are trusted; the others are unknown."""

    min_confidence: float = 0.5
    """Tips with a lower confidence are unknown."""
    max_aperture_hands: float = 2.5
    """Largest plausible aperture, in hand lengths."""
    max_finger_ratio: float = 2.0
    """Largest plausible length of a finger, in multiples of its usual length."""
    hand_scale_window_s: float = 6.0
    """The length of the hand, the unit of apertures, is smoothed over this time, so that a hand
    that comes nearer does not seem to open wider; 0 = one length for the whole recording."""
    max_spike_ranges: float = 1.6
    """Largest plausible jump of a single frame from both neighbours, in ranges of the movement."""
    max_edge_ranges: float = 0.5
    """Largest plausible jump from its neighbour of the first or last frame of a hand in view."""

    def limits(self) -> list[Limit]:
        """Return the limits of these rules."""
        return [
            Limit("min_confidence", 0 <= self.min_confidence <= 1, "0 to 1"),
            Limit("max_aperture_hands", self.max_aperture_hands >= 1, "1 or more"),
            Limit("max_finger_ratio", self.max_finger_ratio >= 1, "1 or more"),
            Limit(
                "hand_scale_window_s",
                self.hand_scale_window_s == 0 or self.hand_scale_window_s >= 4,
                "0, or 4 or more, or the scale would follow the taps",
            ),
            Limit(
                "max_spike_ranges",
                self.max_spike_ranges >= 1.3,
                "1.3 or more, because fast taps would be taken for spikes",
            ),
            Limit("max_edge_ranges", self.max_edge_ranges > 0, "over 0"),
        ]


@dataclass(frozen=True, slots=True)
class TaskRules:
    """Where in a recording the task begins and ends: the bout of tapping among rests."""

    find: bool = True
    """Whether the bout is looked for; false takes the whole recording (paced, fixed windows)."""
    core_share: float = 0.4
    """Taps of this share of the recording's large taps make the core of a bout."""
    follow_share: float = 0.4
    """Further taps follow on while each has this share of the smallest of the four before it (over
    two usual intervals after the last: of the median of the eight before it) ..."""
    least_share: float = 0.08
    """... or, in the rhythm of the bout, at least this share of the recording's large taps."""
    min_rest_s: float = 1.0
    """A pause shorter than this never ends a bout, nor one of under 2.5 usual intervals."""
    max_halt_s: float = 4.0
    """Longest pause that is a halt within the task; after a longer one a new bout begins."""
    min_bout_taps: int = 3
    """Fewer taps before a pause, or of another size after one, are no part of the task."""

    def limits(self) -> list[Limit]:
        """Return what these rules must keep to."""
        return [
            Limit("core_share", 0 < self.core_share < 1, "over 0, under 1"),
            Limit("follow_share", 0 < self.follow_share < 1, "over 0, under 1"),
            Limit(
                "least_share",
                0 <= self.least_share <= self.core_share,
                f"0 to task.core_share ({self.core_share:g})",
            ),
            Limit("min_rest_s", self.min_rest_s > 0, "over 0"),
            Limit(
                "max_halt_s",
                self.max_halt_s >= self.min_rest_s,
                f"at least task.min_rest_s ({self.min_rest_s:g})",
            ),
            Limit("min_bout_taps", self.min_bout_taps >= 1, "1 or more"),
        ]


@dataclass(frozen=True, slots=True)
class TapRules:
    """What counts as a tap."""

    swing_share: float = 0.22
    """Least rise and fall of a tap, as a share of the range of movement around it."""
    small_swing_share: float = 0.14
    """The same for small taps that fill the time between two large ones."""
    floor_share: float = 0.05
    """Least rise and fall of a tap, as a share of the range of the recording."""
    max_floor_share: float = 0.3
    """Noise never makes the least rise and fall larger than this share of that range."""
    noise_multiple: float = 6.0
    """Least rise and fall of a tap, in standard deviations of the noise ..."""
    least_noise_multiple: float = 2.5
    """... or in fewer, where they are more than twice the floor share."""
    window_s: float = 0.8
    """Half the time over which the range of movement is taken."""
    min_interval_s: float = 0.09
    """Shortest possible tap."""
    closed_levels: tuple[float, float] = (0.15, 0.4)
    """Shares of the amplitude at which the edges of the closed phase are looked for."""
    edge_share: float = 0.25
    """How far above its neighbours a closure cut off by the recording's end may lie."""
    contact_s: float = 0.1
    """A closed phase beside the first or last tap is a rest when it is longer than this and than
    twice the usual one."""
    interrupted_share: float = 0.1
    """An opening is interrupted when it falls back by this share of the amplitude ..."""
    interrupted_s: float = 0.15
    """... or gains under a tenth of the amplitude within this time."""

    def limits(self) -> list[Limit]:
        """Return the limits of these rules."""
        low, high = self.closed_levels
        return [
            Limit("swing_share", 0 < self.swing_share < 1, "over 0, under 1"),
            Limit(
                "floor_share",
                0 <= self.floor_share <= self.swing_share,
                f"0 to taps.swing_share ({self.swing_share:g})",
            ),
            Limit(
                "small_swing_share",
                self.floor_share <= self.small_swing_share <= self.swing_share,
                f"taps.floor_share ({self.floor_share:g}) to taps.swing_share "
                f"({self.swing_share:g})",
            ),
            Limit(
                "max_floor_share",
                self.swing_share <= self.max_floor_share < 1,
                f"taps.swing_share ({self.swing_share:g}) or more, under 1",
            ),
            Limit(
                "least_noise_multiple",
                0 <= self.least_noise_multiple <= self.noise_multiple,
                f"0 to taps.noise_multiple ({self.noise_multiple:g})",
            ),
            Limit("window_s", self.window_s > 0, "over 0"),
            Limit("min_interval_s", self.min_interval_s > 0, "over 0"),
            Limit("closed_levels", 0 < low < high < 1, "two numbers, rising, between 0 and 1"),
            Limit("edge_share", self.edge_share > 0, "over 0"),
            Limit("contact_s", self.contact_s > 0, "over 0"),
            Limit("interrupted_share", self.interrupted_share > 0, "over 0"),
            Limit("interrupted_s", self.interrupted_s > 0, "over 0"),
        ]


@dataclass(frozen=True, slots=True)
class HaltRules:
    """What counts as a halt and as a hesitation."""

    slow_ranges_per_s: float = 0.5
    """The hand is still where it moves by less than this share of its range a second ..."""
    window_s: float = 0.15
    """... within this time."""
    noise_multiple: float = 3.5
    """Movement under so many standard deviations of the noise left by smoothing is none."""
    min_halt_s: float = 0.5
    """A halt is a still spell of this length ..."""
    usual_ratio: float = 2.0
    """... and of this many times the tapper's usual still spell in that phase (closed or open)."""
    hesitation_ratio: float = 2.0
    """A tap that lasts longer than this many times the median interval is a hesitation."""
    complete_share: float = 0.9
    """The task is complete with this share of the expected taps or time ..."""
    min_rest_s: float = 1.0
    """... else the tapper stopped early, if the hand is seen at rest for this long afterwards."""

    def limits(self) -> list[Limit]:
        """Return what these rules must keep to."""
        return [
            Limit("slow_ranges_per_s", self.slow_ranges_per_s > 0, "over 0"),
            Limit("window_s", 0 < self.window_s <= 0.5, "over 0, at most 0.5"),
            Limit("noise_multiple", self.noise_multiple >= 0, "0 or more"),
            Limit("min_halt_s", self.min_halt_s >= self.window_s, "halts.window_s or more"),
            Limit("usual_ratio", self.usual_ratio >= 1, "1 or more"),
            Limit("hesitation_ratio", self.hesitation_ratio > 1, "over 1"),
            Limit("complete_share", 0 < self.complete_share <= 1, "over 0, at most 1"),
            Limit("min_rest_s", self.min_rest_s > 0, "over 0"),
        ]


@dataclass(frozen=True, slots=True)
class QualityRules:
    """When a recording is doubtful or has failed; all of it is judged within the task."""

    min_tracked_pct: float = 40.0
    """Failed below this share of frames with a known aperture."""
    good_tracked_pct: float = 90.0
    """Doubtful below this share."""
    min_taps: int = 3
    """Failed with fewer taps."""
    max_gap_s: float = 0.5
    """Doubtful with a longer time without a known aperture, seconds."""
    min_median_confidence: float = 0.8
    """Doubtful below this."""
    min_mirror_agreement_pct: float = 75.0
    """Doubtful if fewer frames give the same tips in the mirrored image."""
    max_noise_share: float = 1 / 6
    """Doubtful when the noise exceeds this share of the usual amplitude: where taps must be six
    times the noise (`TapRules.noise_multiple`), those of usual size may be lost."""
    nyquist_share: float = 0.4 / 1.5
    """Doubtful if the tapping rate exceeds this share of the sampling rate."""
    min_rate_hz: float = 1.3
    """Doubtful with slower tapping where neither a metronome nor the speed of the recording is
    known: 5 Hz shown four times slower; 0 = never."""
    max_rate_disagreement: float = 0.1
    """Doubtful when taps and spectrum disagree by more than this share ..."""
    disagreement_cvs: float = 1.2
    """... and by more than so many times the spread of the intervals: the spectrum of an irregular
    rhythm has no single line."""
    max_open_closures: float = 0.1
    """The spread excuses nothing where the fingers are open at a larger share of the closures: taps
    that are counted twice spread the intervals, too."""
    max_missed_taps: int = 0
    """Doubtful with more intervals in which the aperture opens more than once, or for twice as long
    as usual."""
    max_peak_rate_error_hz: float = 0.1
    """Doubtful when closures and widest apertures differ in the rate by more (without halts)."""
    max_second_rate_error_hz: float = 0.1
    """Doubtful when the keypoints next to the tips tap at another rate, by more than this."""
    max_other_bouts_share: float = 0.5
    """Doubtful when the other bouts last longer than this share of the one that is measured."""
    min_duration_s: float = 5.0
    """Doubtful when the task is shorter ..."""
    enough_taps: int = 10
    """... and has fewer taps than this."""
    min_hand_px: float = 60.0
    """Doubtful if the hand is smaller in the image, pixels."""
    max_metronome_error_hz: float = 0.2
    """Doubtful if the rate differs from the metronome by more, Hz (paced protocols)."""

    def limits(self) -> list[Limit]:
        """Return the limits of these rules."""
        return [
            Limit(
                "min_tracked_pct",
                0 <= self.min_tracked_pct <= self.good_tracked_pct <= 100,
                f"0 to quality.good_tracked_pct ({self.good_tracked_pct:g}), which is at most 100",
            ),
            Limit("min_taps", self.min_taps >= 1, "1 or more"),
            Limit(
                "min_mirror_agreement_pct",
                0 <= self.min_mirror_agreement_pct <= 100,
                "0 to 100",
            ),
            Limit("max_noise_share", self.max_noise_share > 0, "over 0"),
            Limit("min_rate_hz", self.min_rate_hz >= 0, "0 or more"),
            Limit("disagreement_cvs", self.disagreement_cvs >= 0, "0 or more"),
            Limit("max_open_closures", 0 <= self.max_open_closures <= 1, "0 to 1"),
            Limit("max_missed_taps", self.max_missed_taps >= 0, "0 or more"),
            Limit("max_peak_rate_error_hz", self.max_peak_rate_error_hz > 0, "over 0"),
            Limit("max_second_rate_error_hz", self.max_second_rate_error_hz > 0, "over 0"),
            Limit("max_other_bouts_share", self.max_other_bouts_share >= 0, "0 or more"),
            Limit("nyquist_share", 0 < self.nyquist_share <= 0.5, "over 0, at most 0.5"),
        ]
