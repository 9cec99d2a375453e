"""What a person can do about each problem of a recording."""

from collections.abc import Sequence
from typing import Final

CLOSER: Final = "Film again with the hand larger in the picture."
BOTH_TIPS: Final = (
    "Look at the video. Film again with both fingertips in sight, from the side of the thumb."
)
LIGHT: Final = "Film again with more light on the hand, so that it is neither blurred nor dark."
READ_TRACE: Final = (
    "Look at the trace below: use the row only if every tap is marked once, or correct it in "
    "'tapscope review'."
)
WHOLE_TASK: Final = "Film again with the hand in the picture from the first tap to the last."

ADVICE: Final = {
    "unreadable": "Copy the video from the camera again, or open and save it with a video player.",
    "truncated": "Copy the video from the camera again: its end is missing.",
    "damaged": "Copy the video from the camera again: parts of it are damaged.",
    "no_hand": "See whether the video shows the hand. Film again, the hand larger and well lit.",
    "untracked": BOTH_TIPS,
    "partly_untracked": BOTH_TIPS,
    "long_gap": BOTH_TIPS,
    "low_confidence": LIGHT,
    "tips_disputed": BOTH_TIPS,
    "small_hand": CLOSER,
    "hand_lost": WHOLE_TASK,
    "several_bouts": "Look at the trace below: is the longest bout the one that you want?",
    "too_few_taps": "See whether the person taps. If so, film again closer and with more light.",
    "short_task": "Ask for a longer task, or lower min_duration_s in the protocol.",
    "noisy": LIGHT,
    "rate_near_nyquist": "Film again with more frames a second: 60 are enough for any tapper.",
    "rate_disagrees": READ_TRACE,
    "missed_taps": READ_TRACE,
    "closures_disagree": READ_TRACE,
    "keypoints_disagree": READ_TRACE,
    "frames_duplicated": "Use the original recording: this copy shows its pictures several times.",
    "frame_rate_low": "Film again with more frames a second: 60 are enough for any tapper.",
    "frames_dropped": "Film again with nothing else running, or use the original recording.",
    "frames_out_of_order": "Use the original recording: the times of this copy are not in order.",
    "interlaced": "Film progressively (25p, 30p or 60p, not 50i or 60i).",
    "mirrored": "See which hand taps: the file is stored mirrored.",
    "one_frame": "Copy the video from the camera again: it holds a single picture.",
    "slow_motion_suspected": "See whether the film is in slow motion. Give --slow-motion with its "
    "factor, or with 1 if the speed is true.",
    "hand_contradicts_name": "See which hand taps, and correct the manifest or the file name.",
    "corrections_unused": "Look at 'tapscope review': whose corrections are right?",
    "off_metronome": "See whether the person followed the metronome, and its rate in the manifest.",
    "time_limit": "Analyse again with a larger --time-limit, or cut the video.",
    "crashed": "Analyse again. If it crashes again, report it with the error file.",
    "internal_error": "Please report it with the error file beside the table.",
}
"""By flag. A flag that is only a remark has none."""


def advice_for(flags: Sequence[str]) -> list[str]:
    """Return what to do about some flags, each sentence once, the most important first."""
    return list(dict.fromkeys(ADVICE[flag] for flag in flags if flag in ADVICE))
