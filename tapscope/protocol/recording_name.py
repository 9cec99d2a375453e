"""What a file name says about a recording, as people write names."""

import itertools
import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class RecordingName:
    """The parts of a file name that describe the recording; '' unknown."""

    participant_id: str = ""
    session_id: str = ""
    hand: str = ""
    trial: str = ""


_SIDES: Final = ({"left": "left", "right": "right"}, {"lh": "left", "rh": "right"})
_LETTERS: Final = {"l": "left", "r": "right"}
"""Words for a side, the clearest first; a letter may also be somebody's initial."""
_PARTICIPANT: Final = ("sub", "subject", "participant", "patient", "pat", "proband", "id")
_SESSION: Final = ("ses", "session", "visit")
_TRIAL: Final = ("run", "trial", "take", "rep")
_CODE: Final = re.compile(r"(?:p|s|c|pt|pd|hc|id|sub|subj|pat)?[0-9]{1,5}", re.IGNORECASE)
"""A participant's code as the first word: P07, HC12, 001. Cameras write longer numbers and other
letters (IMG1234, GX010023, 20260131)."""


def read_name(stem: str) -> RecordingName:
    """Read a file name without ending: P07_left_1, sub-01_ses-2_hand-left_run-1, Patient 3 RH.

    Words are letters and digits; capitals do not matter. A side is left or right, LH or RH, or L or
    R, as a word of its own; if the clearest of these name both sides, it is unknown. A participant,
    session or trial follows a word for it (sub-01, Patient 3, visit2, run-1). A first word like P07
    or 001 is a participant, too. What is not clear stays unknown.
    """
    words = re.findall(r"[^\W_]+", stem)
    participant = _after(words, _PARTICIPANT)
    if not participant and words and _CODE.fullmatch(words[0]):
        participant = words[0]
    return RecordingName(participant, _after(words, _SESSION), _side(words), _after(words, _TRIAL))


def _after(words: list[str], labels: tuple[str, ...]) -> str:
    """Return what follows a label: in the same word (visit2), or else the next word."""
    for word, following in itertools.pairwise([*words, ""]):
        bare = word.rstrip("0123456789")
        if bare.lower() not in labels:
            continue
        if bare != word:
            return word[len(bare) :]
        if following and following.lower() not in {**_SIDES[0], **_SIDES[1], **_LETTERS}:
            return following
    return ""


def _side(words: list[str]) -> str:
    bare = [re.sub(r"(hand)?\d*$", "", word.lower()) for word in words]
    whole = [word.lower() for word in words]
    for sides, candidates in ((_SIDES[0], bare), (_SIDES[1], whole), (_LETTERS, whole)):
        found = {sides[word] for word in candidates if word in sides}
        if found:
            return found.pop() if len(found) == 1 else ""
    return ""
