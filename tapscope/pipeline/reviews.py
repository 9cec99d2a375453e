"""Find the corrections of each recording and decide whether they are applied."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tapscope.corrections.in_force import Corrections, signed, unsigned_count
from tapscope.corrections.log import log_path, raters_of, read_log
from tapscope.errors import CorrectionsError, VideoError
from tapscope.pipeline.cache import video_sha256
from tapscope.pipeline.recordings import Recording


def with_corrections(
    recordings: Sequence[Recording], folder: Path, rater: str
) -> tuple[list[Recording], tuple[str, ...]]:
    """Return the recordings with the corrections that raters signed, and notes for the user.

    Corrections that are not signed are not applied. Where several raters signed, who do not agree,
    nothing is applied unless one of them is chosen: a mixture would be the work of nobody. Such a
    recording says so in its row, and so does one whose corrections cannot be read or belong to
    another video.

    Parameters
    ----------
    folder
        The folder of results.
    rater
        Whose corrections are applied; '' for those of the only rater of a recording.

    Raises
    ------
    CorrectionsError
        The rater chosen has corrected nothing.
    """
    found: list[Recording] = []
    unsigned = 0
    notes: list[str] = []
    seen: set[str] = set()
    for recording in recordings:
        raters = raters_of(folder, recording.file_stem)
        seen |= set(raters)
        try:
            chosen, pending, ignored = _chosen(recording, folder, raters, rater)
            found.append(replace(recording, corrections=chosen))
            unsigned += pending
            notes += ignored
        except CorrectionsError as problem:
            found.append(replace(recording, corrections_problem=str(problem)))
    if rater and rater not in seen:
        others = f"; corrections are by {', '.join(sorted(seen))}" if seen else ""
        raise CorrectionsError(
            f"{folder}: {rater} has corrected none of these recordings{others}; check --rater"
        )
    if unsigned:
        notes.append(
            f"corrections of {unsigned} recording{'' if unsigned == 1 else 's'} are not signed and "
            "not applied; sign them with 'tapscope review'"
        )
    return found, tuple(notes)


def _chosen(
    recording: Recording, folder: Path, raters: Sequence[str], rater: str
) -> tuple[Corrections | None, bool, list[str]]:
    """Return the corrections to apply, whether some are not signed, and notes.

    Raises
    ------
    CorrectionsError
        Corrections exist but cannot be applied; the message is for the row.
    """
    found: list[Corrections] = []
    is_pending = False
    notes: list[str] = []
    for each in raters:
        if rater and each != rater:
            continue
        path = log_path(folder, each, recording.file_stem)
        try:
            log = read_log(path)
            approved = signed(log)
        except CorrectionsError as problem:
            # the row must not depend on where the folder is
            said = str(problem).replace(str(path), path.relative_to(folder).as_posix())
            raise CorrectionsError(f"corrections by {each} are not applied: {said}") from problem
        is_pending |= unsigned_count(log) > 0
        notes += log.notes
        if approved is not None:
            _check_subject(recording, approved)
            found.append(approved)
    if len({each.effect for each in found}) > 1:
        names = " and ".join(each.rater for each in found)
        raise CorrectionsError(
            f"{names} corrected this recording differently: choose one of them with --rater"
        )
    if not found:
        return None, is_pending, notes
    names = ";".join(each.rater for each in found)
    subject = replace(found[0].subject, rater=names)
    return replace(found[0], subject=subject), is_pending, notes


def _check_subject(recording: Recording, corrections: Corrections) -> None:
    subject = corrections.subject
    if subject.slow_motion != (recording.slow_motion or 1.0):
        raise CorrectionsError(
            f"corrections by {subject.rater} were made with the slow motion "
            f"{subject.slow_motion:g}, now it is {recording.slow_motion or 1:g}: review it again"
        )
    try:
        digest = video_sha256(recording.path)
    except VideoError:
        return  # the worker will meet the same error and write it into the row
    if digest != subject.video_sha256:
        raise CorrectionsError(
            f"corrections by {subject.rater} were made on another video of this name: review it "
            "again"
        )
