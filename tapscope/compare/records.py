"""The results of a comparison, from which tables, figures and report are made."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tapscope.agreement import Estimate, EventMatch
from tapscope.records import FloatArray, Taps
from tapscope.sync.clock_relation import Synchronisation

FAILED_STEPS: Final = ("analysis", "sensor", "fault")
"""Steps at which an existing pair could not be compared."""


@dataclass(frozen=True, slots=True)
class FeaturePair:
    """One feature of one recording, by video and by sensor."""

    feature: str
    video: float
    """NaN unknown."""
    sensor: float
    """NaN unknown."""
    video_unit: str
    sensor_unit: str

    @property
    def comparable(self) -> bool:
        """Whether both sides measure the same quantity in the same unit."""
        return self.video_unit == self.sensor_unit

    @property
    def unit(self) -> str:
        """The unit that both share, else 'video unit vs sensor unit'."""
        if self.comparable:
            return self.video_unit
        return f"{self.video_unit} vs {self.sensor_unit}"


@dataclass(frozen=True, slots=True)
class TapComparison:
    """The taps of one recording on the video's clock, matched one to one by their closures."""

    video: Taps
    """Taps of the video within the time that both sides recorded."""
    sensor: Taps
    """Taps of the sensor within that time, on the video's clock."""
    video_closure_s: FloatArray
    """Closures of the video within that time, with the end of the last tap; shape (v,)."""
    sensor_closure_s: FloatArray
    """Closures of the sensor likewise, on the video's clock; shape (s,)."""
    match: EventMatch
    """Which closures match; indices into the two arrays above."""
    tap_of_video: tuple[int, ...]
    """Indices in `video` of the taps whose two closures match those of one sensor tap."""
    tap_of_sensor: tuple[int, ...]
    """Indices in `sensor` of the same taps."""


@dataclass(frozen=True, slots=True)
class SignalComparison:
    """The apertures of one recording at the times of the video's frames, each scaled to 0..1."""

    time_s: FloatArray
    """Video clock, frames in which both sides are known; shape (n,)."""
    video: FloatArray
    """(Aperture - 5th percentile) / (95th - 5th percentile); shape (n,)."""
    sensor: FloatArray
    """Likewise; shape (n,)."""
    r: float
    """Pearson's correlation; NaN with fewer than 8 frames."""
    rmse: float
    """Root mean square difference of the scaled apertures; NaN likewise."""


@dataclass(frozen=True, slots=True)
class RecordingComparison:
    """One recording with its sensor log."""

    recording: str
    sensor_files: tuple[str, ...]
    participant_id: str
    strata: Mapping[str, str]
    """Known levels by column ('hand', 'rate' ...)."""
    features: tuple[FeaturePair, ...]
    video_facts: Mapping[str, str]
    """Frame rate, dropped frames, gaps ... as in the table; '' unknown."""
    sensor_source: str
    """'gyroscope', 'accelerometer' or 'position'."""
    sensor_facts: Mapping[str, str]
    """Device, format, repairs, how the aperture was computed ..."""
    sync: Synchronisation | None
    """None with --no-sync."""
    taps: TapComparison | None
    """None where clocks are not known to agree."""
    signal: SignalComparison | None
    """None where clocks are not known to agree."""
    video_taps: int
    notes: tuple[str, ...] = ()
    """Remarks for the reader."""

    @property
    def participant(self) -> str:
        """Participant; the recording's own name where that is unknown."""
        return self.participant_id or self.recording

    @property
    def aligned_from_data(self) -> bool:
        """Whether the clocks were aligned from the movements themselves."""
        return self.sync is not None and self.sync.aligned_from_data


@dataclass(frozen=True, slots=True)
class AgreementRow:
    """The statistics of one feature in one stratum."""

    feature: str
    unit: str
    stratum: str
    """'all' or 'name=level'."""
    level: str
    """'feature' (one pair a recording), 'tap' or 'signal'."""
    n_participants: int
    n_recordings: int
    n_taps: int
    form: str
    """'simple' or 'repeated'; 'pooled' for counts of events."""
    note: str
    estimates: tuple[Estimate, ...]

    def estimate(self, name: str) -> Estimate | None:
        """Return the estimate called `name`; None where the row has none."""
        for estimate in self.estimates:
            if estimate.name == name:
                return estimate
        return None

    def value(self, name: str) -> float:
        """Return the value of the estimate called `name`; NaN where the row has none."""
        estimate = self.estimate(name)
        return math.nan if estimate is None else estimate.value


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A recording or log that was left out, at which step, and why."""

    recording: str
    """'' for a sensor log without a recording."""
    sensor_file: str
    """'' for a recording without a sensor log."""
    step: str
    """'pairing', 'analysis' (of the video), 'sensor', 'fault' (of the program) or
    'synchronisation'."""
    excluded_from: str
    """'everything' or 'taps, signals, counts and durations'."""
    reason: str


@dataclass(frozen=True, slots=True)
class FlowCount:
    """Participants, recordings and taps left after a step."""

    step: str
    n_participants: int
    n_recordings: int
    n_video_taps: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """All results of `tapscope compare`."""

    recordings: tuple[RecordingComparison, ...]
    rows: tuple[AgreementRow, ...]
    flow: tuple[FlowCount, ...]
    exclusions: tuple[Exclusion, ...]
    settings: Mapping[str, str]
    """Settings of the run in words: tolerance, margins, synchronisation ..."""
    provenance: Mapping[str, str] = field(default_factory=dict)
    """Version, commit, command, time, hashes ..."""

    @property
    def on_one_clock(self) -> tuple[RecordingComparison, ...]:
        """Return the recordings of which the clocks agree; only they have single taps."""
        return tuple(each for each in self.recordings if each.taps is not None)

    @property
    def failed(self) -> bool:
        """Whether a pair could not be compared, though both sides exist."""
        return any(each.step in FAILED_STEPS for each in self.exclusions)

    def at_level(self, level: str) -> list[AgreementRow]:
        """Return the rows of a level ('feature', 'tap' or 'signal') over all recordings."""
        return [row for row in self.rows if row.level == level and row.stratum == "all"]

    def row(self, feature: str, stratum: str = "all") -> AgreementRow | None:
        """Return the row of a feature and stratum; None where there is none."""
        for row in self.rows:
            if row.feature == feature and row.stratum == stratum:
                return row
        return None
