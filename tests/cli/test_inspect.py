"""Tests of tapscope inspect."""

import json
from pathlib import Path

from tests import clips
from tests.cli.runner import run


def test_inspect_says_whether_it_suits(tmp_path: Path) -> None:
    good = clips.Clip(size=(320, 240)).write(tmp_path / "[good].mp4", 120)
    result = run("inspect", good)
    assert result.exit_code == 0, result.output
    assert "suits the protocol mds-updrs-3.4" in " ".join(result.output.split())
    assert "h264" in result.output
    small = run("inspect", clips.Clip().write(tmp_path / "small.mp4", 120))
    assert small.exit_code == 1
    assert "image_small" in small.output
    assert "does not suit" in small.output
    facts = json.loads(run("inspect", good, "--json").output)
    assert (facts["suitable"], facts["codec"], facts["decoded_frames"]) == (True, "h264", 120)


def test_inspect_of_no_video(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    result = run("inspect", tmp_path / "a.mp4")
    assert result.exit_code == 1
    assert result.stderr.startswith("tapscope: ")
