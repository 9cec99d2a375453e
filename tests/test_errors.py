"""Messages stay short enough to be read."""

from tapscope.errors import LONGEST_MESSAGE, TapscopeError


def test_a_long_message_keeps_its_file_and_its_remedy() -> None:
    message = str(TapscopeError(f"a.csv: cell {'9' * 50_000!r} is no number; correct it"))
    assert len(message) < LONGEST_MESSAGE + 10
    assert message.startswith("a.csv: cell '999")
    assert message.endswith("999' is no number; correct it")
