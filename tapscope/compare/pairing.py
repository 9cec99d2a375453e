"""Which sensor log belongs to which recording."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from typing import Final

from tapscope.errors import ComparisonError

SEVERAL_FILES: Final = ";"
"""Separates the files of one recording in a cell of the manifest (such as one file a sensor)."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Participant, session, hand and trial of a recording or log; '' is unknown."""

    participant_id: str = ""
    session_id: str = ""
    hand: str = ""
    """'left', 'right' or ''."""
    trial: str = ""

    @classmethod
    def of(cls, parts: Mapping[str, str]) -> "Identity":
        """Take the parts of a name; other keys are ignored."""
        return cls(**{field.name: parts.get(field.name, "") for field in fields(cls)})

    def fits(self, other: "Identity") -> bool:
        """Return whether both may be the same: no part that both know differs.

        Numbers are compared as numbers ('01' is '1'). An unknown participant fits no other.
        """
        if not (self.participant_id and other.participant_id):
            return False
        return all(
            not mine or not theirs or _plain(mine) == _plain(theirs)
            for mine, theirs in zip(astuple(self), astuple(other), strict=True)
        )


@dataclass(frozen=True, slots=True)
class Candidate:
    """A recording or a sensor log that may be paired."""

    name: str
    """Recording: as in the table; sensor log: its path relative to the folder given."""
    identity: Identity


@dataclass(frozen=True, slots=True)
class Unpaired:
    """A recording or a sensor log without a partner."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Pairing:
    """The pairs, and what has no partner."""

    sensor_files: Mapping[str, tuple[str, ...]]
    """Sensor logs by recording, in the order of the recordings."""
    unpaired_recordings: tuple[Unpaired, ...]
    unpaired_logs: tuple[Unpaired, ...]


def pair(
    recordings: Sequence[Candidate],
    sensors: Sequence[Candidate],
    manifest_logs: Mapping[str, str] | None = None,
) -> Pairing:
    """Pair recordings and sensor logs one to one.

    Parameters
    ----------
    recordings, sensors
        All that may be paired. A log belongs to the recording whose participant, session, hand and
        trial agree with its own, as far as both are known; where neither name has a participant,
        to the recording of the same name.
    manifest_logs
        Sensor log by recording, from a manifest, several files separated by ';'. Where it is
        given, names are ignored.

    Raises
    ------
    ComparisonError
        Two logs fit one recording, two recordings fit one log, or the manifest gives one log to
        two recordings.
    """
    known = {sensor.name for sensor in sensors}
    reasons: dict[str, str] = {}
    if manifest_logs is None:
        joined = _by_name(recordings, sensors)
        missing = "no sensor log fits its participant, session, hand and trial"
    else:
        joined, reasons = _by_manifest(recordings, known, manifest_logs)
        missing = "the manifest names no sensor log for it"
    used = {file for files in joined.values() for file in files}
    why = "no recording fits it" if manifest_logs is None else "the manifest does not name it"
    return Pairing(
        joined,
        tuple(
            Unpaired(r.name, reasons.get(r.name, missing))
            for r in recordings
            if r.name not in joined
        ),
        tuple(Unpaired(s.name, why) for s in sensors if s.name not in used),
    )


def _by_name(
    recordings: Sequence[Candidate], sensors: Sequence[Candidate]
) -> dict[str, tuple[str, ...]]:
    joined: dict[str, tuple[str, ...]] = {}
    owner: dict[str, str] = {}
    for recording in recordings:
        fitting = [sensor.name for sensor in sensors if _fit(recording, sensor)]
        if len(fitting) > 1:
            raise ComparisonError(
                f"{recording.name}: the sensor logs {fitting[0]} and {fitting[1]} both fit it; "
                "remove one, rename one, or give the right one in a manifest (columns recording, "
                f"sensor_file; ('{fitting[0]};{fitting[1]}' where both belong to it)"
            )
        for name in fitting:
            if name in owner:
                raise ComparisonError(
                    f"{name}: the recordings {owner[name]} and {recording.name} both fit this "
                    "sensor log; keep one row of the table, or say in a manifest (columns "
                    "recording, sensor_file) which is meant"
                )
            owner[name] = recording.name
            joined[recording.name] = (name,)
    return joined


def _fit(recording: Candidate, sensor: Candidate) -> bool:
    if recording.identity.participant_id or sensor.identity.participant_id:
        return recording.identity.fits(sensor.identity)
    return recording.name == _without_ending(sensor.name)


def _by_manifest(
    recordings: Sequence[Candidate], known: set[str], manifest_logs: Mapping[str, str]
) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
    """Return the logs of each recording, and why a recording named in the manifest has none."""
    joined: dict[str, tuple[str, ...]] = {}
    reasons: dict[str, str] = {}
    owner: dict[str, str] = {}
    for recording in recordings:
        named = manifest_logs.get(recording.name, "").split(SEVERAL_FILES)
        files = tuple(file.strip() for file in named if file.strip())
        absent = [file for file in files if file not in known]
        if absent:
            reasons[recording.name] = f"the manifest names {absent[0]}, which is not there"
            continue
        for file in files:
            if file in owner:
                raise ComparisonError(
                    f"{file}: the manifest gives this sensor log to {owner[file]} and to "
                    f"{recording.name}; a log belongs to one recording"
                )
            owner[file] = recording.name
        if files:
            joined[recording.name] = files
    return joined, reasons


def _plain(part: str) -> str:
    return part.lstrip("0") or "0" if part.isdigit() else part.casefold()


def _without_ending(name: str) -> str:
    stem, dot, ending = name.rpartition(".")
    return stem if dot and "/" not in ending else name
