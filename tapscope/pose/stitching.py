"""Join the pieces of one hand: it left the image and came back, or moved too fast to be followed.

Pieces that follow one another closely in time and place are one hand. So are pieces far apart that
do not overlap in time, if both are clearly hands and nothing speaks for two: the size, the side of
the thumb and the colour. A hand is never joined to what scores far lower: a face behind it, say.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from tapscope.pose.overlap import distance, size_ratio
from tapscope.pose.thresholds import DEFAULTS, PoseSettings
from tapscope.pose.track import HandTrack


def stitch(
    tracks: Sequence[HandTrack], time_s: Sequence[float], settings: PoseSettings = DEFAULTS
) -> list[list[HandTrack]]:
    """Return the pieces of each hand, in the order of time.

    The nearest pieces are joined first; each has at most one before and one after it.

    Parameters
    ----------
    tracks
        Pieces.
    time_s
        Time of each sample, seconds.
    """
    joins = []
    for one, other in combinations(range(len(tracks)), 2):
        a, b = sorted((one, other), key=lambda n: (tracks[n].first, tracks[n].last))
        cost = join_cost(tracks[a], tracks[b], time_s, settings)
        if cost is not None:
            joins.append((cost, a, b))
    after: dict[int, int] = {}
    for _, a, b in sorted(joins):
        if a not in after and b not in after.values():
            after[a] = b
    hands = []
    for first in range(len(tracks)):
        if first in after.values():
            continue
        chain = [first]
        while chain[-1] in after:
            chain.append(after[chain[-1]])
        hands.append([tracks[n] for n in chain])
    return hands


def join_cost(
    before: HandTrack,
    after: HandTrack,
    time_s: Sequence[float],
    settings: PoseSettings = DEFAULTS,
) -> float | None:
    """Return how far apart two pieces are in time and place; None if they are two hands."""
    scores = sorted((before.mean_score(), after.mean_score()))
    if after.first <= before.last or scores[0] < settings.min_score_ratio * scores[1]:
        return None
    gap_s = time_s[after.first] - time_s[before.last]
    end, begin = before.views[before.last].box, after.views[after.first].box
    away = distance(end, begin)
    is_near = gap_s <= settings.near_gap_s and away <= settings.near_distance
    if is_near and size_ratio(end, begin) <= settings.near_size_ratio:
        return gap_s + away
    return gap_s + away if _are_alike(before, after, settings) else None


def _are_alike(one: HandTrack, other: HandTrack, settings: PoseSettings) -> bool:
    """Say whether two pieces, both clearly hands, can be the same hand."""
    if min(one.mean_score(), other.mean_score()) < settings.far_score:
        return False
    sizes = [float(np.median([v.box.side for v in track.views.values()])) for track in (one, other)]
    if max(sizes) > settings.far_size_ratio * min(sizes):
        return False
    thumbs = [chirality(track) for track in (one, other)]
    if min(np.abs(thumbs)) > settings.sure_chirality and thumbs[0] * thumbs[1] < 0:
        return False
    colours = [np.median(list(track.colour.values()), axis=0) for track in (one, other)]
    return bool(np.abs(colours[0] - colours[1]).max() <= settings.max_colour_levels)


def chirality(track: HandTrack) -> float:
    """Return on which side of the palm the thumb is, -1 to 1.

    It is the mean sine of the angle middle knuckle - wrist - thumb tip: positive where the thumb is
    to the right of a hand that points up, near 0 where the hand is seen from its edge.
    """
    sines = []
    for view in track.views.values():
        thumb, _, wrist, knuckle = view.position_px[list(view.measured)]
        (ux, uy), (vx, vy) = (knuckle - wrist).tolist(), (thumb - wrist).tolist()
        length = float(np.hypot(ux, uy) * np.hypot(vx, vy))
        if length > 0:
            sines.append((ux * vy - uy * vx) / length)
    return float(np.mean(sines)) if sines else 0.0
