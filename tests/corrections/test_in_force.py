"""What of a log is in force."""

from tapscope.corrections.entry import Entry, Span
from tapscope.corrections.in_force import in_force, signed, standing, unsigned_count
from tapscope.corrections.log import Log
from tests.corrections.made import SUBJECT, entry

SPAN = Span(4.0, 5.0, "talks")
TIP = entry(1, "tip", before=(1.0, 2.0), after=(3.0, 4.0), frame=7, keypoint="thumb_tip")
ADD = entry(2, "tap", after=1.5, closures_s=(1.0, 1.5, 2.0))
MOVE = entry(3, "tap", before=1.5, after=1.6, closures_s=(1.0, 1.6, 2.0))
DELETE = entry(4, "tap", before=1.0, closures_s=(1.6, 2.0))
TASK = entry(5, "task", before=(0.9, 2.1), after=(0.8, 2.1))
EXCLUDE = entry(6, "span", after=SPAN)


def undo(number: int, undone: int) -> Entry:
    return entry(number, "undo", undone=undone)


def test_later_corrections_count() -> None:
    again = entry(7, "tip", before=(3.0, 4.0), after=(5.0, 6.0), frame=7, keypoint="thumb_tip")
    found = in_force(SUBJECT, [TIP, ADD, MOVE, DELETE, TASK, EXCLUDE, again])
    assert found.tips == (((7, "thumb_tip"), (5.0, 6.0)),)
    assert found.closures_s == (1.6, 2.0)
    assert found.placed_s == (1.6,)
    assert found.task_s == (0.8, 2.1)
    assert found.excluded == (SPAN,)
    assert (found.exclusion, found.count, found.rater) == ("", 7, "AB")


def test_undo_gives_what_was_before() -> None:
    steps = [TIP, ADD, MOVE, DELETE, TASK, EXCLUDE]
    for length in range(len(steps), 0, -1):
        undone = [undo(6 + n, number) for n, number in enumerate(range(6, length - 1, -1), 1)]
        left = in_force(SUBJECT, [*steps, *undone])
        assert left == in_force(SUBJECT, steps[: length - 1])
        assert left.digest == in_force(SUBJECT, steps[: length - 1]).digest


def test_an_undo_can_be_undone() -> None:
    assert standing([TIP, ADD, undo(3, 2), undo(4, 3)]) == [TIP, ADD]


def test_a_span_and_a_recording_can_be_taken_back() -> None:
    back = entry(7, "span", before=SPAN)
    assert in_force(SUBJECT, [EXCLUDE, back]).excluded == ()
    out = entry(1, "recording", after="no hand")
    assert in_force(SUBJECT, [out]).exclusion == "no hand"
    assert in_force(SUBJECT, [out, entry(2, "recording", before="no hand")]).exclusion == ""


def test_only_what_was_signed_is_approved() -> None:
    sign = entry(3, "sign")
    late = entry(4, "task", before=(0.9, 2.1), after=(0.5, 2.1))
    assert signed(Log(SUBJECT, (TIP, ADD))) is None
    log = Log(SUBJECT, (TIP, ADD, sign, late))
    approved = signed(log)
    assert approved is not None
    assert (approved.count, approved.task_s) == (2, None)
    assert unsigned_count(log) == 1
    assert unsigned_count(Log(SUBJECT, (TIP, ADD, sign))) == 0


def test_every_correction_changes_the_digest() -> None:
    steps = [TIP, ADD, MOVE, DELETE, TASK, EXCLUDE, entry(7, "recording", after="x")]
    digests = {in_force(SUBJECT, steps[:n]).digest for n in range(8)}
    assert len(digests) == 8


def test_raters_agree_whose_corrections_do_the_same() -> None:
    other = entry(6, "span", after=Span(4.0, 5.0, "another reason"))
    assert in_force(SUBJECT, [EXCLUDE]).effect == in_force(SUBJECT, [other]).effect
    assert in_force(SUBJECT, [EXCLUDE]).effect != in_force(SUBJECT, []).effect
