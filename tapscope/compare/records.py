"""What a comparison of video with sensors found: records that report, figures and tables read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tapscope.agreement import Estimate, EventMatch
from tapscope.records import FloatArray, Taps
from tapscope.sync.clock_relation import Synchronisation

FAILED_STEPS: Final = ("analysis", "sensor", "fault")
"""Steps at which a pair that was there got lost."""


@dataclass(frozen=True, slots=True)
class FeaturePair:
    """One feature of one recording, measured by both."""

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
    """Taps of the video within the time that both sides saw."""
    sensor: Taps
    """Taps of the sensor within that time, on the video's clock."""
    video_closure_s: FloatArray
    """Closures of the video within that time, those that end a tap included; shape (v,)."""
    sensor_closure_s: FloatArray
    """Likewise of the sensor, on the video's clock; shape (s,)."""
    match: EventMatch
    """Which closures are the same; places in the two arrays above."""
    tap_of_video: tuple[int, ...]
    """Places in `video` of the taps of which both closures match those of one sensor tap."""
    tap_of_sensor: tuple[int, ...]
    """Places in `sensor` of the same taps."""


@dataclass(frozen=True, slots=True)
class SignalComparison:
    """The apertures of one recording at the times of the video's frames, each scaled to 0..1."""

    time_s: FloatArray
    """Video clock, frames in which both sides are known; shape (n,)."""
    video: FloatArray
    """Aperture less its 5th percentile, over its 5th to 95th; shape (n,)."""
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
    """Level by stratum ('hand', 'rate_band' ...), without those that are unknown."""
    features: tuple[FeaturePair, ...]
    video_facts: Mapping[str, str]
    """Frame rate, dropped frames, gaps ... as the table has them; '' unknown."""
    sensor_source: str
    """'gyroscope', 'accelerometer' or 'position'."""
    sensor_facts: Mapping[str, str]
    """Device, format, repairs, how the aperture was made ..."""
    sync: Synchronisation | None
    """None where clocks were not compared (--no-sync)."""
    taps: TapComparison | None
    """None where clocks are not known to agree."""
    signal: SignalComparison | None
    """None where clocks are not known to agree."""
    video_taps: int
    notes: tuple[str, ...] = ()
    """What a reader has to know of this recording."""


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


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Something that was left out of something, and why."""

    recording: str
    """'' for a sensor log without a recording."""
    sensor_file: str
    """'' for a recording without a sensor log."""
    step: str
    """'pairing', 'analysis' (of the video), 'sensor', 'fault' (of the program) or
    'synchronisation'."""
    excluded_from: str
    """'everything' or 'taps and signals'."""
    reason: str


@dataclass(frozen=True, slots=True)
class FlowCount:
    """How many are left after a step."""

    step: str
    n_participants: int
    n_recordings: int
    n_video_taps: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that `tapscope compare` found."""

    recordings: tuple[RecordingComparison, ...]
    rows: tuple[AgreementRow, ...]
    flow: tuple[FlowCount, ...]
    exclusions: tuple[Exclusion, ...]
    settings: Mapping[str, str]
    """What was asked for, in words: tolerance, margins, synchronisation ..."""
    provenance: Mapping[str, str] = field(default_factory=dict)
    """Version, commit, command, time, hashes ..."""

    @property
    def failed(self) -> bool:
        """Whether a pair could not be compared at all, though both sides were there."""
        return any(each.step in FAILED_STEPS for each in self.exclusions)

    def row(self, feature: str, stratum: str = "all") -> AgreementRow | None:
        """Return the row of a feature and stratum; None where there is none."""
        for row in self.rows:
            if row.feature == feature and row.stratum == stratum:
                return row
        return None
