"""Tests of tapscope protocols."""

from tapscope.protocol.protocol import bundled
from tests.cli.runner import ROOT, run


def test_protocols_are_listed_and_shown() -> None:
    listed = run("protocols").output
    assert all(name in listed for name in bundled())
    shown = run("protocols", "show", "tapping-10s").output
    assert shown == (ROOT / "protocols" / "tapping-10s.toml").read_text()
