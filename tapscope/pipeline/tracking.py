"""What the network and the decoder found in one recording, kept so that it is measured again.

A correction or another protocol changes the measurement, not the keypoints: the network, by far
the longest step, need not run again. All numbers are kept as they are, so that the results are the
same.
"""

import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from tapscope.records import Keypoints
from tapscope.video.probe import VideoInfo
from tapscope.video.stream_summary import StreamSummary

_ARRAYS: Final = ("time_s", "position_px", "confidence", "reason", "blur_px", "agreement")


@dataclass(frozen=True, slots=True)
class Tracking:
    """What a recording is measured from."""

    keypoints: Keypoints
    """Of every decoded frame."""
    info: VideoInfo
    summary: StreamSummary
    facts: Mapping[str, str]
    """How the keypoints were obtained: the engine ..."""


def tracking_npz(tracking: Tracking) -> bytes:
    """Return the tracking file of a recording; the same content gives the same bytes."""
    keypoints = tracking.keypoints
    arrays = {name: getattr(keypoints, name) for name in _ARRAYS}
    texts = {
        "names": list(keypoints.names),
        "info": dict(keypoints.info),
        "video": {k: v for k, v in asdict(tracking.info).items() if k != "path"},
        "summary": asdict(tracking.summary),
        "facts": dict(tracking.facts),
    }
    sink = io.BytesIO()
    np.savez_compressed(sink, about=np.array(json.dumps(texts)), **arrays)
    return sink.getvalue()


def read_tracking(file: Path, video: Path) -> Tracking:
    """Read a tracking file.

    Parameters
    ----------
    file
        What `tracking_npz` gave, unchanged since: its hash has been checked.
    video
        The video that it belongs to.
    """
    with np.load(file) as arrays:
        about = json.loads(str(arrays["about"]))
        keypoints = Keypoints(
            **{name: arrays[name] for name in _ARRAYS},
            names=tuple(about["names"]),
            info=about["info"],
        )
    summary = StreamSummary(**about["summary"])
    summary = replace(summary, repeats=tuple(summary.repeats))
    return Tracking(keypoints, VideoInfo(path=video, **about["video"]), summary, about["facts"])
