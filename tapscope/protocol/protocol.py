"""Protocols: the rules by which recordings are measured, read from TOML files."""

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Final

from tapscope.errors import ProtocolError
from tapscope.files import bundled_folder
from tapscope.protocol.recording_name import RecordingName, read_name
from tapscope.protocol.rules import (
    GapRules,
    HaltRules,
    KeypointRules,
    QualityRules,
    SmoothingRules,
    TapRules,
    TaskRules,
    TimeRules,
)
from tapscope.protocol.toml_record import TomlFile

DEFAULT: Final = "mds-updrs-3.4"


@dataclass(frozen=True, slots=True)
class Protocol:
    """All settings that decide how a recording is measured."""

    name: str
    """Short name, the same as the file's."""
    description: str
    """One sentence for the list of protocols."""
    file_name: str
    """Regular expression for file names; groups: participant_id, session_id, hand, trial. Empty:
    names are read as people write them, see `read_name`."""
    metronome_rate_hz: float | None = None
    """Rate of the metronome, Hz; None without one."""
    expected_taps: int = 0
    """Number of taps that is asked for; 0 = none."""
    expected_duration_s: float = 0.0
    """Time of tapping that is asked for, in seconds; 0 = none."""
    hand: str = ""
    """Tapping hand if nothing else gives it: 'left', 'right' or ''."""
    features: tuple[str, ...] = ()
    """Names of the features in the table; empty for all."""
    time: TimeRules = field(default_factory=TimeRules)
    keypoints: KeypointRules = field(default_factory=KeypointRules)
    gaps: GapRules = field(default_factory=GapRules)
    smoothing: SmoothingRules = field(default_factory=SmoothingRules)
    task: TaskRules = field(default_factory=TaskRules)
    taps: TapRules = field(default_factory=TapRules)
    halts: HaltRules = field(default_factory=HaltRules)
    quality: QualityRules = field(default_factory=QualityRules)

    @property
    def content_hash(self) -> str:
        """SHA-256 of the values, hexadecimal; comments and layout do not count."""
        canonical = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    def parse_name(self, stem: str) -> RecordingName:
        """Read a file name without ending; parts that it does not have are ''."""
        if not self.file_name:
            return read_name(stem)
        found = re.search(self.file_name, stem)
        groups = found.groupdict() if found else {}
        names = (part.name for part in fields(RecordingName))
        return RecordingName(**{name: groups.get(name) or "" for name in names})


def bundled() -> list[str]:
    """Return the names of the protocols that come with tapscope, the default first."""
    names = sorted(path.stem for path in bundled_folder("protocols").glob("*.toml"))
    return sorted(names, key=lambda name: name != DEFAULT)


def find(name_or_path: str | Path) -> Path:
    """Return the file of a protocol, given its path or the name of a bundled one.

    Raises
    ------
    ProtocolError
        There is no such protocol.
    """
    path = Path(name_or_path)
    if str(name_or_path) in bundled():
        path = bundled_folder("protocols") / f"{name_or_path}.toml"
    if not path.is_file():
        raise ProtocolError(
            f"there is no protocol {str(name_or_path)!r}: give the path of a TOML file or one of "
            f"{', '.join(bundled())}"
        )
    return path


def load(name_or_path: str | Path = DEFAULT) -> Protocol:
    """Read a protocol, given its path or the name of a bundled one.

    Raises
    ------
    ProtocolError
        There is no such protocol, or the file is no TOML, has unknown or missing keys, or values
        of a wrong type or outside their limits.
    """
    path = find(name_or_path)
    file = TomlFile(path, ProtocolError)
    protocol = file.read(Protocol)
    _check(protocol, file)
    return protocol


def _check(protocol: Protocol, file: TomlFile) -> None:
    """Raise ProtocolError if a value is outside its limits."""
    _check_pattern(protocol, file)
    rate_hz = protocol.metronome_rate_hz
    if rate_hz is not None and not 0 < rate_hz <= 15:
        raise file.fail("metronome_rate_hz", rate_hz, "over 0, at most 15")
    if protocol.expected_taps < 0:
        raise file.fail("expected_taps", protocol.expected_taps, "0 (not said) or more")
    if protocol.expected_duration_s < 0:
        found = protocol.expected_duration_s
        raise file.fail("expected_duration_s", found, "0 (not said) or more")
    if protocol.hand not in ("", "left", "right"):
        raise file.fail("hand", protocol.hand, "left, right or ''")
    longest_s, shortest_s = protocol.time.max_duration_s, protocol.quality.min_duration_s
    if longest_s < shortest_s:
        expected = f"at least quality.min_duration_s ({shortest_s:g})"
        raise file.fail("time.max_duration_s", longest_s, expected)
    for group in ("time", "gaps", "smoothing", "keypoints", "task", "taps", "halts", "quality"):
        rules = getattr(protocol, group)
        for limit in rules.limits():
            if not limit.holds:
                found = getattr(rules, limit.key)
                raise file.fail(f"{group}.{limit.key}", found, limit.expected)


def _check_pattern(protocol: Protocol, file: TomlFile) -> None:
    try:
        groups = set(re.compile(protocol.file_name).groupindex)
    except re.error as error:
        wanted = f"a regular expression ({error})"
        raise file.fail("file_name", protocol.file_name, wanted) from error
    names = {part.name for part in fields(RecordingName)}
    if not groups <= names:
        raise file.fail("file_name", sorted(groups - names), f"groups named {sorted(names)}")
