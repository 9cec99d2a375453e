"""The crop of the chosen hand in every frame: a path that is smooth in time.

The crop follows the palm, for the fingers tap; it is as wide as all that the hand reached within
half a second before and after. Both are known for the whole recording, so neither lags.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import median_filter

from tapscope.network.crop import CropBox
from tapscope.pose.detection import HandDetection, hand_extent
from tapscope.pose.overlap import distance
from tapscope.pose.survey import SurveyResult
from tapscope.pose.thresholds import DEFAULTS, PoseSettings
from tapscope.pose.track import HandTrack
from tapscope.records import FloatArray


@dataclass(frozen=True, slots=True)
class PathPiece:
    """The crop's path while the hand is in view; one element of each array a sample."""

    time_s: FloatArray
    """Seconds, rising."""
    x: FloatArray
    y: FloatArray
    """Middle of the crop in pixels of the image."""
    side: FloatArray
    """Pixels."""
    rotation_deg: FloatArray
    """Quarters."""

    def box(self, time_s: float) -> CropBox:
        """Return the crop at a time within the piece."""
        x, y, side = (float(np.interp(time_s, self.time_s, v)) for v in (self.x, self.y, self.side))
        nearest = int(np.abs(self.time_s - time_s).argmin())
        return CropBox(x, y, side, float(self.rotation_deg[nearest]))


class CropPath:
    """Where the chosen hand is looked for.

    Parameters
    ----------
    pieces
        In the order of time.
    """

    def __init__(self, pieces: Sequence[PathPiece]) -> None:
        self._pieces = pieces

    def box(self, time_s: float) -> CropBox | None:
        """Return the crop at a time; None where the hand is away."""
        for piece in self._pieces:
            if piece.time_s[0] <= time_s <= piece.time_s[-1]:
                return piece.box(time_s)
        return None


def crop_path(
    pieces: Sequence[HandTrack], survey: SurveyResult, settings: PoseSettings = DEFAULTS
) -> CropPath:
    """Return the path of the crop about a hand.

    Parameters
    ----------
    pieces
        Of one hand, in the order of time.
    survey
        The first pass; its reduced pixels become pixels of the image.
    """
    joined: list[dict[int, HandDetection]] = []
    times_s = survey.sample_time_s
    for track in pieces:
        views = dict(sorted(track.views.items()))
        if joined:
            last = max(joined[-1])
            gap_s = times_s[track.first] - times_s[last]
            away = distance(joined[-1][last].box, track.views[track.first].box)
            if gap_s <= settings.near_gap_s and away <= settings.near_distance:
                joined[-1] |= views
                continue
        joined.append(views)
    return CropPath([smooth_piece(views, survey, settings) for views in joined])


def smooth_piece(
    views: dict[int, HandDetection], survey: SurveyResult, settings: PoseSettings = DEFAULTS
) -> PathPiece:
    """Smooth the crops of consecutive samples in time.

    Parameters
    ----------
    views
        What was seen in each sample, in the order of time.
    """
    time_s = np.array([survey.sample_time_s[n] for n in views])
    palm, low, high = (np.empty((len(views), 2)) for _ in range(3))
    size, rotation_deg = np.empty(len(views)), np.empty(len(views))
    for n, view in enumerate(views.values()):
        half = settings.hand_to_crop_ratio * view.box.side / 2
        middle = np.array([view.box.x, view.box.y])
        extent = hand_extent(view.position_px, view.peak_value, view.measured, settings)
        left_top, right_bottom = extent or (middle - half, middle + half)
        size[n] = right_bottom[0] - left_top[0]
        palm[n] = view.palm_px()
        low[n], high[n] = left_top - palm[n], right_bottom - palm[n]
        rotation_deg[n] = view.hand_box(settings).rotation_deg
    palm = median_filter(palm, size=(3, 1), mode="nearest")
    palm = _gaussian(time_s, palm, settings.palm_smooth_s)
    low, high = _reach(time_s, low, high, settings.extent_s)
    low, high = (_gaussian(time_s, v, settings.extent_smooth_s) for v in (low, high))
    middle = survey.scale * (palm + (low + high) / 2 + 0.5) - 0.5
    usual = _gaussian(time_s, _median(time_s, size, settings.extent_s), settings.extent_smooth_s)
    reach = (high - low).max(axis=1)
    side = survey.scale * np.maximum(
        usual / settings.hand_to_crop_ratio, reach / settings.max_hand_to_crop
    )
    return PathPiece(
        time_s,
        middle[:, 0],
        middle[:, 1],
        side,
        _usual(time_s, rotation_deg, settings.extent_s),
    )


def _near(time_s: FloatArray, now_s: float, within_s: float) -> slice:
    first = np.searchsorted(time_s, now_s - within_s, "left")
    end = np.searchsorted(time_s, now_s + within_s, "right")
    return slice(int(first), int(end))


def _gaussian(time_s: FloatArray, values: FloatArray, sd_s: float) -> FloatArray:
    """Return the mean of the neighbours in time, weighted by a Gaussian; shape as `values`."""
    result = np.empty_like(values)
    for n, now_s in enumerate(time_s.tolist()):
        # As far before as after, so that the ends of a moving hand's path are not drawn inwards.
        reach_s = min(3 * sd_s, now_s - time_s[0], time_s[-1] - now_s)
        part = _near(time_s, now_s, reach_s)
        weight = np.exp(-0.5 * ((time_s[part] - now_s) / sd_s) ** 2)
        result[n] = weight @ values[part] / weight.sum()
    return result


def _reach(
    time_s: FloatArray, low: FloatArray, high: FloatArray, within_s: float
) -> tuple[FloatArray, FloatArray]:
    """Return the corners of all that the hand reaches near each sample.

    Of many samples the outermost is not believed: a stray keypoint must not widen the crop.
    """
    lowest, highest = np.empty_like(low), np.empty_like(high)
    for n, now_s in enumerate(time_s.tolist()):
        part = _near(time_s, now_s, within_s)
        lowest[n], highest[n] = (
            np.percentile(v[part], q, axis=0) for v, q in ((low, 5), (high, 95))
        )
    return lowest, highest


def _median(time_s: FloatArray, values: FloatArray, within_s: float) -> FloatArray:
    """Return the median near each sample."""
    near = [values[_near(time_s, now_s, within_s)] for now_s in time_s.tolist()]
    return np.array([np.median(v) for v in near])


def _usual(time_s: FloatArray, rotation_deg: FloatArray, within_s: float) -> FloatArray:
    """Return the most frequent rotation near each sample, the smaller of two as frequent."""
    usual = np.empty_like(rotation_deg)
    for n, now_s in enumerate(time_s.tolist()):
        values, counts = np.unique(rotation_deg[_near(time_s, now_s, within_s)], return_counts=True)
        usual[n] = values[counts.argmax()]
    return usual
