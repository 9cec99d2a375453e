"""Reading of file names as people write them."""

import pytest

from tapscope.protocol.recording_name import read_name


@pytest.mark.parametrize(
    ("stem", "participant", "session", "hand", "trial"),
    [
        ("sub-01_ses-2_hand-left_run-1", "01", "2", "left", "1"),
        ("P07_left_1", "P07", "", "left", ""),
        ("Patient 3 RH visit2", "3", "2", "right", ""),
        ("001_Right_pre", "001", "", "right", ""),
        ("LAF_R_OFF", "", "", "right", ""),
        ("FT_L", "", "", "left", ""),
        ("hand-Left", "", "", "left", ""),
        ("righthand trial3", "", "", "right", "3"),
        ("HC12-lh", "HC12", "", "left", ""),
        ("IMG_1234", "", "", "", ""),
        ("IMG1234", "", "", "", ""),
        ("20260131_101500", "", "", "", ""),
        ("left and right", "", "", "", ""),
        ("L_R", "", "", "", ""),
        ("Patient_R_Left", "", "", "left", ""),
        ("bright_lefty", "", "", "", ""),
        ("", "", "", "", ""),
    ],
)
def test_names(stem: str, participant: str, session: str, hand: str, trial: str) -> None:
    found = read_name(stem)
    assert (found.participant_id, found.session_id) == (participant, session)
    assert (found.hand, found.trial) == (hand, trial)
