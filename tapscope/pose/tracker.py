"""Frames to the keypoints of the tapping hand, in two passes over the recording.

The first pass finds every hand and follows it in samples; the pieces of one hand are joined, and
the hand that taps is chosen by its movement over the whole recording. The second pass places the
keypoints of this hand in every frame.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from scipy.ndimage import median_filter

from tapscope.network.engine import Engine
from tapscope.pose.crop_path import crop_path
from tapscope.pose.detection import HandDetection
from tapscope.pose.fingertip_identity import AssignedTips, assign_fingertips
from tapscope.pose.hand_selection import choose_track, mean_x, tapping_score
from tapscope.pose.placement import KeypointPlacement, PlacedFrames
from tapscope.pose.stitching import stitch
from tapscope.pose.survey import SampleTimes, Survey, SurveyResult
from tapscope.pose.thresholds import DEFAULTS, PoseSettings
from tapscope.pose.track import HandTrack
from tapscope.records import FloatArray, FrameBatch, Keypoints

Wanted = Callable[[float], bool]
"""Says, of the time of each frame in order, whether it is needed."""


def track_hand(
    open_frames: Callable[[], Iterable[FrameBatch]],
    engine: Engine,
    *,
    open_samples: Callable[[Wanted], Iterable[FrameBatch]] | None = None,
    hand: str = "",
    hand_source: str = "",
    size_px: int | None = None,
    settings: PoseSettings = DEFAULTS,
) -> Keypoints:
    """Return the keypoints of the tapping hand in a video.

    The result does not depend on how the frames are divided into batches, nor on
    `engine.batch_size`.

    Parameters
    ----------
    open_frames
        Returns the frames of the video in order, the same ones each time.
    engine
        Runs the network.
    open_samples
        Returns those of the frames that are wanted, for the first pass, which needs few of them; by
        default it chooses among all. The result is the same.
    hand
        'left', 'right' or '' when nobody said.
    hand_source
        Who said: 'option', 'manifest', 'file name', 'protocol'.
    size_px
        Side of the crops in which keypoints are placed; by default that on which the weights were
        trained.
    settings
        The thresholds.

    Returns
    -------
    Keypoints
        Every frame of the video. Where the hand was not seen, NaN and the reason 'no_hand': in
        such a frame the hand was looked for, or the whole image was searched within the same
        quarter of a second.
    """
    size_px = size_px or engine.card.input_size_px
    survey = Survey(engine, min(size_px, settings.survey_crop_px), settings)
    wanted = SampleTimes(settings).wants
    for batch in open_frames() if open_samples is None else open_samples(wanted):
        survey.add(batch)
    found = survey.finish()
    pieces, info = choose_hand(found, hand, settings)
    path = crop_path(pieces, found, settings)
    placed = KeypointPlacement(engine, size_px, path, settings).place(open_frames())
    return _keypoints(placed, engine, {**info, "hand_source": hand_source}, settings)


def choose_hand(
    found: SurveyResult, hand: str, settings: PoseSettings = DEFAULTS
) -> tuple[list[HandTrack], dict[str, str]]:
    """Return the pieces of the tapping hand, none if no hand was seen, and facts for the record.

    Parameters
    ----------
    found
        The hands of the recording, in pieces.
    hand
        Side asked for, or ''.
    """
    hands = stitch(found.tracks, found.sample_time_s, settings)
    views = [_views_of(pieces, len(found.sample_time_s)) for pieces in hands]
    chosen, choice = choose_track(
        [tapping_score(v, settings) for v in views], [mean_x(v) for v in views], hand, settings
    )
    info = {"hand": hand, "hand_choice": choice, "hands_seen": str(len(hands))}
    return ([] if chosen is None else hands[chosen]), info


def _views_of(pieces: Sequence[HandTrack], samples: int) -> list[HandDetection | None]:
    views: list[HandDetection | None] = [None] * samples
    for track in pieces:
        for sample, view in track.views.items():
            views[sample] = view
    return views


def _keypoints(
    placed: PlacedFrames, engine: Engine, info: dict[str, str], settings: PoseSettings
) -> Keypoints:
    """Return the record of all frames, the fingertips assigned over the whole recording."""
    frames, keypoints = len(placed.views), len(engine.card.keypoints)
    position = np.full((frames, keypoints, 2), np.nan)
    confidence = np.zeros((frames, keypoints))
    for n, view in enumerate(placed.views):
        if view is not None:
            position[n], confidence[n] = view.position_px, view.confidence
    reassigned = _reassign_tips(placed, engine, position, confidence, settings)
    is_seen = np.array([view is not None for view in placed.views], dtype=np.bool_)
    return Keypoints(
        time_s=np.array(placed.time_s),
        position_px=position,
        confidence=confidence,
        reason=np.where(is_seen, "", "no_hand"),
        names=engine.card.keypoints,
        blur_px=np.array(placed.blur_px),
        agreement=_agreement(placed, position[:, engine.measured.tips], settings),
        info={**info, "frames_reassigned": str(reassigned)},
    )


def _reassign_tips(
    placed: PlacedFrames,
    engine: Engine,
    position: FloatArray,
    confidence: FloatArray,
    settings: PoseSettings,
) -> int:
    """Put the tips where the whole recording says; return in how many frames they moved."""
    if not engine.fingertips or not any(placed.views):
        return 0
    tips = engine.measured.tips
    assigned = _assigned_tips(placed, settings)
    same = np.isclose(position[:, tips], assigned.position_px, rtol=0, atol=1.0)
    is_seen = np.isfinite(position[:, tips]).all(axis=(1, 2))
    position[:, tips] = assigned.position_px
    sure = engine.confidence(assigned.peak_value, assigned.second_peak)
    confidence[:, tips] = np.where(assigned.peak_value > 0, sure, 0.0)
    return int((~same.all(axis=(1, 2)) & is_seen).sum())


def _assigned_tips(placed: PlacedFrames, settings: PoseSettings) -> AssignedTips:
    """Say which fingertips are those of thumb and index finger, over all frames together.

    The point of the hand to which tips are related is the median of its keypoints, smoothed.
    """
    seen = [n for n, view in enumerate(placed.views) if view is not None]
    views = [view for view in placed.views if view is not None]
    middles = np.stack([np.median(view.position_px, axis=0) for view in views])
    middle_px = np.full((len(placed.views), 2), np.nan)
    middle_px[seen] = median_filter(middles, size=(settings.median_frames, 1), mode="nearest")
    hand_px = settings.hand_to_crop_ratio * float(np.median([view.box.side for view in views]))
    peaks = [view.tips if view is not None else None for view in placed.views]
    return assign_fingertips(peaks, np.array(placed.time_s), middle_px, hand_px, settings)


def _agreement(placed: PlacedFrames, tips_px: FloatArray, settings: PoseSettings) -> FloatArray:
    """Say where the mirrored image showed the same tips; see `records.Keypoints.agreement`.

    Parameters
    ----------
    tips_px
        Thumb and index tip of every frame; shape (frames, 2, 2).
    """
    result = np.full(len(tips_px), np.nan)
    for n, mirrored_px in placed.mirrored_tips_px.items():
        view = placed.views[n]
        if view is not None:
            apart = np.linalg.norm(mirrored_px - tips_px[n], axis=1)
            limit_px = settings.agreement_distance * settings.hand_to_crop_ratio * view.box.side
            result[n] = float((apart <= limit_px).all())
    return result
