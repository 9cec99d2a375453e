"""Which sensor log belongs to which recording."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final

from tapscope.errors import ComparisonError

SEVERAL_FILES: Final = ";"
"""Between the files of one recording in a manifest's cell (one file a sensor, say)."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who, when, which hand, which trial; '' is unknown."""

    participant_id: str = ""
    session_id: str = ""
    hand: str = ""
    """'left', 'right' or ''."""
    trial: str = ""

    @classmethod
    def of(cls, parts: Mapping[str, str]) -> "Identity":
        """Take the parts of a name; further ones are passed over."""
        return cls(**{field.name: parts.get(field.name, "") for field in fields(cls)})

    def fits(self, other: "Identity") -> bool:
        """Tell whether both may be the same: nothing known on both sides differs.

        Numbers are compared as numbers ('01' is '1'). Unknown participants fit nobody.
        """
        if not (self.participant_id and other.participant_id):
            return False
        return all(
            not mine or not theirs or _plain(mine) == _plain(theirs)
            for mine, theirs in zip(self._parts(), other._parts(), strict=True)
        )

    def _parts(self) -> tuple[str, str, str, str]:
        return self.participant_id, self.session_id, self.hand, self.trial


@dataclass(frozen=True, slots=True)
class Named:
    """A recording or a sensor log with what its name says."""

    name: str
    """Recording as in the table; sensor log as its path from the folder given."""
    identity: Identity


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A recording or a sensor log that stays alone."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Pairing:
    """What was joined and what was not."""

    sensor_files: Mapping[str, tuple[str, ...]]
    """Sensor logs by recording, in the order of the recordings."""
    recordings_alone: tuple[Unmatched, ...]
    sensors_alone: tuple[Unmatched, ...]


def pair(
    recordings: Sequence[Named], sensors: Sequence[Named], told: Mapping[str, str] | None = None
) -> Pairing:
    """Join recordings and sensor logs one to one.

    Parameters
    ----------
    recordings, sensors
        What there is. A log goes with the recording that it fits in participant, session, hand
        and trial, as far as both names say them; where neither name tells a participant, with the
        recording of the same name.
    told
        Sensor log by recording, from a manifest: several files with ';' between. Where it is
        given, names are not looked at.

    Raises
    ------
    ComparisonError
        Two logs fit one recording or two recordings one log, or the manifest gives one log to two
        recordings: nobody can tell which is meant.
    """
    known = {sensor.name for sensor in sensors}
    reasons: dict[str, str] = {}
    if told is None:
        joined = _by_name(recordings, sensors)
        missing = "no sensor log fits its participant, session, hand and trial"
    else:
        joined, reasons = _by_manifest(recordings, known, told)
        missing = "the manifest names no sensor log for it"
    used = {file for files in joined.values() for file in files}
    why = "no recording fits it" if told is None else "the manifest does not name it"
    return Pairing(
        joined,
        tuple(
            Unmatched(r.name, reasons.get(r.name, missing))
            for r in recordings
            if r.name not in joined
        ),
        tuple(Unmatched(s.name, why) for s in sensors if s.name not in used),
    )


def _by_name(recordings: Sequence[Named], sensors: Sequence[Named]) -> dict[str, tuple[str, ...]]:
    joined: dict[str, tuple[str, ...]] = {}
    owner: dict[str, str] = {}
    for recording in recordings:
        fitting = [sensor.name for sensor in sensors if _fit(recording, sensor)]
        if len(fitting) > 1:
            raise ComparisonError(
                f"{recording.name}: the sensor logs {fitting[0]} and {fitting[1]} both fit it; "
                "take one away, rename one, or say in a manifest (columns recording, sensor_file) "
                f"which is meant ('{fitting[0]};{fitting[1]}' where both belong to it)"
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


def _fit(recording: Named, sensor: Named) -> bool:
    if recording.identity.participant_id or sensor.identity.participant_id:
        return recording.identity.fits(sensor.identity)
    return recording.name == _without_ending(sensor.name)


def _by_manifest(
    recordings: Sequence[Named], known: set[str], told: Mapping[str, str]
) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
    """Return the logs by recording, and why a recording that the manifest names has none."""
    joined: dict[str, tuple[str, ...]] = {}
    reasons: dict[str, str] = {}
    owner: dict[str, str] = {}
    for recording in recordings:
        named = told.get(recording.name, "").split(SEVERAL_FILES)
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
