"""Put a live session together: network, protocol, source, folder."""

from pathlib import Path

from tapscope.live.guide import GuideRules
from tapscope.live.names import RecordingNames
from tapscope.live.session import LiveSession
from tapscope.live.source import FrameSource
from tapscope.network.bundled_weights import find_weights
from tapscope.network.engine import make_engine
from tapscope.network.weights import read
from tapscope.pose.follower import HandFollower
from tapscope.protocol.protocol import Protocol


def make_session(
    source: FrameSource,
    folder: Path,
    name: str,
    *,
    protocol: Protocol,
    weights: Path | None,
    device: str,
    tapping_s: float,
) -> LiveSession:
    """Return a session that is ready to start.

    Parameters
    ----------
    source
        Where frames come from.
    folder, name
        Where the recording is written and what it is called; '' for a name made of date and time.
    protocol
        The measurement rules.
    weights
        None for the default ones.
    device
        See `network.engine.make_engine`.
    tapping_s
        Seconds of tapping that are asked for.

    Raises
    ------
    WeightsError
        The weights cannot be used.
    OutputError
        The name cannot be used.
    """
    names = RecordingNames(folder, name)
    engine = make_engine(read(find_weights(weights)), device)
    follower = HandFollower(engine)
    engine.measured  # noqa: B018 - weights without these keypoints fail here
    return LiveSession(
        source=source,
        follower=follower,
        names=names,
        keypoint_names=tuple(engine.card.keypoints),
        protocol=protocol,
        rules=GuideRules(tapping_s=tapping_s, min_hand_px=protocol.quality.min_hand_px),
    )
