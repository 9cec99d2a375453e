"""A small study of painted hands, analysed without a network, to be reviewed."""

from collections.abc import Mapping
from pathlib import Path

from tapscope.cli.console.log import SilentListener
from tapscope.pipeline.analyze import Options, analyze_videos
from tapscope.pipeline.batch import BatchResult
from tests.tapping import SeeDiscs, write_clip

RATES_HZ = {"good": 2.0, "sub/other": 4.0}


def analyzed(folder: Path, *, rater: str = "") -> BatchResult:
    """Analyse the videos of a folder, or what has changed since; the log names what was seen."""
    weights = folder / "weights"
    weights.write_bytes(b"discs")
    options = Options([folder / "videos"], folder / "features.csv", weights=weights, rater=rater)
    return analyze_videos(options, SilentListener(), ["tests"], SeeDiscs(folder / "log"))


def made_study(folder: Path, rates_hz: Mapping[str, float] = RATES_HZ) -> Path:
    """Write recordings of 3.5 s and a file that is none, analyse them; return the table."""
    for name, rate_hz in rates_hz.items():
        write_clip(folder / "videos" / f"{name}.mp4", rate_hz=rate_hz)
    (folder / "videos" / "empty.mp4").write_bytes(b"no video")
    analyzed(folder)
    return folder / "features.csv"
