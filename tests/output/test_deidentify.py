"""Names and paths go from the rows of a table; what was measured stays."""

from tapscope.output.deidentify import deidentified


def test_names_become_numbers_and_free_text_goes() -> None:
    rows = [
        {
            "recording": recording, "video": f"{recording}.mp4", "reason": f"{recording}: no hand",
            "participant_id": person, "session_id": session, "trial": "20250331",
            "tap_count": "12", "flags": "no_hand", "weights": "anna@d8e5", "note": "Anna",
        }
        for recording, person, session in (("x/anna", "Anna", "May"), ("b", "", ""),
                                           ("c", "Anna", "June"))
    ]  # fmt: skip
    first, second, third = deidentified(rows)
    assert first == {
        "recording": "recording-001", "video": "", "reason": "", "session_id": "session-01",
        "participant_id": "participant-01", "trial": "1", "tap_count": "12", "flags": "no_hand",
        "weights": "d8e5",
    }  # fmt: skip
    assert (second["recording"], second["participant_id"]) == ("recording-002", "")
    assert (third["participant_id"], third["session_id"]) == ("participant-01", "session-02")
    assert deidentified(rows, keep=("note",))[0]["note"] == "Anna"
