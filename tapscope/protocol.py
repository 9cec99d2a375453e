"""Protocols: what a recording is expected to hold and how it is turned into numbers."""

import hashlib
import json
import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar, get_args, get_origin, get_type_hints

from tapscope import assets
from tapscope.errors import ProtocolError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

DEFAULT: Final = "mds-updrs-3.4"

_KIND_NAMES: Final = {
    str: "text",
    int: "a whole number",
    tuple[float, float]: "a list of two numbers",
    tuple[str, ...]: "a list of texts",
}
_Record = TypeVar("_Record", bound="DataclassInstance")


@dataclass(frozen=True, slots=True)
class TimeRules:
    """Which part of a recording is analysed."""

    start_s: float = 0.0
    """Seconds after the first frame at which the analysis begins."""
    max_duration_s: float = 3600.0
    """Longest time analysed, in seconds."""


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
class KeypointRules:
    """Which key points are believed."""

    min_confidence: float = 0.5
    """Tips less sure than this are unknown."""
    max_opening_hands: float = 2.5
    """No hand opens wider than this many hand lengths."""
    max_finger_ratio: float = 2.0
    """No tip is further from its joint than this many times the finger's usual length."""
    max_spike_ranges: float = 1.6
    """No single frame leaves both neighbours by this many ranges of the movement."""


@dataclass(frozen=True, slots=True)
class TapRules:
    """What counts as a tap."""

    swing_share: float = 0.22
    """Least rise and fall of a tap, as a share of the range of movement around it."""
    floor_share: float = 0.05
    """Least rise and fall of a tap, as a share of the range of the recording."""
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
    interrupted_share: float = 0.1
    """An opening is interrupted when it falls back by this share of the amplitude ..."""
    interrupted_s: float = 0.15
    """... or gains under a tenth of the amplitude within this time."""


@dataclass(frozen=True, slots=True)
class QualityRules:
    """When a recording is doubtful or has failed."""

    min_tracked_pct: float = 40.0
    """Failed below this share of frames with a known opening."""
    good_tracked_pct: float = 90.0
    """Doubtful below this share."""
    min_taps: int = 3
    """Failed with fewer taps."""
    max_gap_s: float = 0.5
    """Doubtful with a longer time of which nothing is known."""
    min_median_confidence: float = 0.8
    """Doubtful below this."""
    nyquist_share: float = 0.4 / 1.5
    """Doubtful when the tapping rate exceeds this share of the sampling rate."""
    max_rate_disagreement: float = 0.1
    """Doubtful when taps and spectrum disagree by more."""
    min_duration_s: float = 5.0
    """Doubtful when shorter."""
    min_hand_px: float = 60.0
    """Doubtful when the hand is smaller in the picture."""
    max_metronome_error_hz: float = 0.2
    """Doubtful when the rate is further off the metronome (paced protocols)."""


@dataclass(frozen=True, slots=True)
class RecordingName:
    """What the name of a file says about the recording; '' unknown."""

    participant_id: str = ""
    session_id: str = ""
    hand: str = ""
    trial: str = ""


@dataclass(frozen=True, slots=True)
class Protocol:
    """Everything that decides how a recording becomes numbers."""

    name: str
    """Short name, as in the file's name."""
    description: str
    """One sentence for people."""
    file_name: str
    """Regular expression for file names, groups: participant_id, session_id, hand, trial."""
    metronome_rate_hz: float | None = None
    """Rate to be followed; None when free."""
    hand: str = ""
    """Side that taps where nobody else says: 'left', 'right' or ''."""
    features: tuple[str, ...] = ()
    """Names of the features of the table; empty for all."""
    time: TimeRules = field(default_factory=TimeRules)
    keypoints: KeypointRules = field(default_factory=KeypointRules)
    gaps: GapRules = field(default_factory=GapRules)
    smoothing: SmoothingRules = field(default_factory=SmoothingRules)
    taps: TapRules = field(default_factory=TapRules)
    quality: QualityRules = field(default_factory=QualityRules)

    @property
    def content_hash(self) -> str:
        """SHA-256 of the content (not of comments or layout), hexadecimal."""
        canonical = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    def parse_name(self, stem: str) -> RecordingName:
        """Read what a file name without ending says; what it does not say stays ''."""
        found = re.search(self.file_name, stem)
        groups = found.groupdict() if found else {}
        names = (part.name for part in fields(RecordingName))
        return RecordingName(**{name: groups.get(name) or "" for name in names})


def bundled() -> list[str]:
    """Return the names of the protocols that come with tapscope, the default first."""
    names = sorted(path.stem for path in assets.protocols_folder().glob("*.toml"))
    return sorted(names, key=lambda name: name != DEFAULT)


def find(name_or_path: str | Path) -> Path:
    """Return the file of a protocol that comes with tapscope, by name, or of any, by its path.

    Raises
    ------
    ProtocolError
        If there is none.
    """
    path = Path(name_or_path)
    if str(name_or_path) in bundled():
        path = assets.protocols_folder() / f"{name_or_path}.toml"
    if not path.is_file():
        raise ProtocolError(
            f"there is no protocol {str(name_or_path)!r}: give the path of a TOML file or one of "
            f"{', '.join(bundled())}"
        )
    return path


def load(name_or_path: str | Path = DEFAULT) -> Protocol:
    """Read a protocol that comes with tapscope by name, or any by the path of its file.

    Raises
    ------
    ProtocolError
        If there is none, or if the file is no TOML, has unknown or missing keys, values of a wrong
        type, or limits that contradict one another.
    """
    path = find(name_or_path)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProtocolError(f"{path}: is no valid TOML in UTF-8: {error}") from error
    protocol = _read(Protocol, content, "", path)
    _check(protocol, path)
    return protocol


def _fail(path: Path, key: str, found: object, expected: str) -> ProtocolError:
    return ProtocolError(f"{path}: {key}: found {found!r}, expected {expected}")


def _read(kind: type[_Record], content: Mapping[str, object], prefix: str, path: Path) -> _Record:
    """Make a record of a TOML table, refusing unknown keys and wrong types."""
    kinds = get_type_hints(kind)
    known = [part.name for part in fields(kind)]
    for key, found in content.items():
        if key not in known:
            raise _fail(path, prefix + key, found, f"one of the keys {', '.join(known)}")
    for part in fields(kind):
        if part.name not in content and part.default is part.default_factory is MISSING:
            raise _fail(path, prefix + part.name, None, "this key to be there")
    return kind(
        **{key: _value(kinds[key], found, prefix + key, path) for key, found in content.items()}
    )


def _value(kind: type, found: object, key: str, path: Path) -> object:
    """Check one value against the type of its field."""
    if is_dataclass(kind):
        if not isinstance(found, dict):
            raise _fail(path, key, found, "a table")
        return _read(kind, found, f"{key}.", path)
    if kind in (float, float | None) and type(found) in (int, float):
        number = float(str(found))
        if math.isfinite(number):
            return number
    if kind is int and type(found) is int:
        return found
    if kind is str and isinstance(found, str):
        return found
    if get_origin(kind) is tuple and isinstance(found, list):
        inner = get_args(kind)
        length = None if inner[-1] is Ellipsis else len(inner)
        if length in (None, len(found)):
            return tuple(_value(inner[0], item, key, path) for item in found)
    raise _fail(path, key, found, _KIND_NAMES.get(kind, "a number"))


def _check(protocol: Protocol, path: Path) -> None:
    """Refuse limits that contradict one another or themselves."""
    _check_pattern(protocol, path)
    time, gaps, smoothing = protocol.time, protocol.gaps, protocol.smoothing
    keypoints, taps, quality = protocol.keypoints, protocol.taps, protocol.quality
    rate_hz = protocol.metronome_rate_hz
    low, high = taps.closed_levels
    rules: list[tuple[bool, str, object, str]] = [
        (rate_hz is None or 0 < rate_hz <= 15, "metronome_rate_hz", rate_hz, "over 0, at most 15"),
        (protocol.hand in ("", "left", "right"), "hand", protocol.hand, "left, right or ''"),
        (time.start_s >= 0, "time.start_s", time.start_s, "0 or more"),
        (
            time.max_duration_s >= quality.min_duration_s,
            "time.max_duration_s",
            time.max_duration_s,
            f"at least quality.min_duration_s ({quality.min_duration_s:g})",
        ),
        (gaps.max_gap_s >= 0, "gaps.max_gap_s", gaps.max_gap_s, "0 or more"),
        (0 <= gaps.max_gap_cycles <= 2, "gaps.max_gap_cycles", gaps.max_gap_cycles, "0 to 2"),
        (
            smoothing.passband_rates >= 1,
            "smoothing.passband_rates",
            smoothing.passband_rates,
            "1 or more, or the tapping itself would be smoothed away",
        ),
        (
            0.5 <= smoothing.power_share < 1,
            "smoothing.power_share",
            smoothing.power_share,
            "0.5 or more, under 1",
        ),
        (
            120 <= smoothing.grid_hz <= 2000,
            "smoothing.grid_hz",
            smoothing.grid_hz,
            "120 to 2000",
        ),
        (
            0 <= keypoints.min_confidence <= 1,
            "keypoints.min_confidence",
            keypoints.min_confidence,
            "0 to 1",
        ),
        (
            keypoints.max_opening_hands >= 1,
            "keypoints.max_opening_hands",
            keypoints.max_opening_hands,
            "1 or more",
        ),
        (
            keypoints.max_finger_ratio >= 1,
            "keypoints.max_finger_ratio",
            keypoints.max_finger_ratio,
            "1 or more",
        ),
        (
            keypoints.max_spike_ranges >= 1.3,
            "keypoints.max_spike_ranges",
            keypoints.max_spike_ranges,
            "1.3 or more, or fast taps would be taken for spikes",
        ),
        (0 < taps.swing_share < 1, "taps.swing_share", taps.swing_share, "over 0, under 1"),
        (
            0 <= taps.floor_share <= taps.swing_share,
            "taps.floor_share",
            taps.floor_share,
            f"0 to taps.swing_share ({taps.swing_share:g})",
        ),
        (
            0 <= taps.least_noise_multiple <= taps.noise_multiple,
            "taps.least_noise_multiple",
            taps.least_noise_multiple,
            f"0 to taps.noise_multiple ({taps.noise_multiple:g})",
        ),
        (taps.window_s > 0, "taps.window_s", taps.window_s, "over 0"),
        (taps.min_interval_s > 0, "taps.min_interval_s", taps.min_interval_s, "over 0"),
        (
            0 < low < high < 1,
            "taps.closed_levels",
            taps.closed_levels,
            "two numbers, rising, between 0 and 1",
        ),
        (taps.edge_share > 0, "taps.edge_share", taps.edge_share, "over 0"),
        (taps.interrupted_share > 0, "taps.interrupted_share", taps.interrupted_share, "over 0"),
        (taps.interrupted_s > 0, "taps.interrupted_s", taps.interrupted_s, "over 0"),
        (
            0 <= quality.min_tracked_pct <= quality.good_tracked_pct <= 100,
            "quality.min_tracked_pct",
            quality.min_tracked_pct,
            f"0 to quality.good_tracked_pct ({quality.good_tracked_pct:g}), which is at most 100",
        ),
        (quality.min_taps >= 1, "quality.min_taps", quality.min_taps, "1 or more"),
        (
            0 < quality.nyquist_share <= 0.5,
            "quality.nyquist_share",
            quality.nyquist_share,
            "over 0, at most 0.5",
        ),
    ]
    for holds, key, found, expected in rules:
        if not holds:
            raise _fail(path, key, found, expected)


def _check_pattern(protocol: Protocol, path: Path) -> None:
    try:
        groups = set(re.compile(protocol.file_name).groupindex)
    except re.error as error:
        wanted = f"a regular expression ({error})"
        raise _fail(path, "file_name", protocol.file_name, wanted) from error
    names = {part.name for part in fields(RecordingName)}
    if not groups <= names:
        raise _fail(path, "file_name", sorted(groups - names), f"groups named {sorted(names)}")
