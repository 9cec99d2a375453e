"""All thresholds of this stage: when something counts as a hand, a track, a tap, a fingertip.

Lengths without a unit are shares of the hand's size (longer side of the square about its keypoints)
unless the name says otherwise. Those of fingertips were set on rendered recordings that are in no
test set; those of the survey and of stitching with the clips of the tests and two recordings of the
clinic views in sight.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class PoseSettings:
    """What decides where hands are found, how they are followed, and which one is measured."""

    # Detection in one image
    long_sides_px: tuple[int, int] = (128, 256)
    """Longer sides of the whole image as the network sees it: first for large, then small hands."""
    max_candidates: int = 4
    """Candidates of one image size that are verified in crops."""
    max_rotated: int = 2
    """Candidates that are also verified in crops rotated by quarters, where none is upright."""
    candidate_sum: float = 0.02
    """Blurred sum of all heatmaps from which a place is a candidate."""
    candidate_peak: float = 0.15
    """Peak value from which a keypoint belongs to a candidate."""
    hand_to_crop_ratio: float = 0.76
    """Size of the hand over the side of its crop; as in training."""
    detection_threshold: float = 0.2
    """Score from which a crop shows a hand."""
    keypoint_threshold: float = 0.1
    """Peak value from which a keypoint helps to say where the hand is, even on a wrong finger."""
    rotate_from_deg: float = 60.0
    """Lean of the hand in its crop from which the crop is rotated by a quarter: well above 45, so
    that it does not rotate to and fro."""
    min_palm_ratio: float = 0.2
    """Wrist to middle knuckle below which the hand points at the camera: no rotation is known."""
    min_palm_size: float = 1.3
    """Size of a hand is at least so many times wrist to middle knuckle: folded fingers are hidden,
    but there."""

    # Overlap of hands in one image
    same_hand_iou: float = 0.5
    """Intersection over union of the squares about two hands from which they are one hand."""
    same_tips: float = 0.15
    """Two hands are one hand where both tips lie nearer than this."""
    part_share: float = 0.7
    """A square of which this share lies in a larger, higher-scoring hand shows a part of it."""

    # First pass: find and follow every hand
    slot_s: float = 0.25
    """Seconds; the whole image is searched once in each slot."""
    sample_fractions: tuple[float, ...] = (0.0, 0.4, 0.7)
    """Where in a slot the followed hands are looked at, of its length. Uneven, so that no tapping
    rate up to 8 Hz is always met in the same phase."""
    other_hand_slots: int = 4
    """While a hand is clearly seen, others are searched for in every so many slots; those that are
    found are followed back."""
    small_hand_slots: int = 16
    """The same for small ones, which cost four times as much."""
    survey_crop_px: int = 64
    """Side of the crops of the first pass, at most: where a hand is, is seen in small ones, too."""
    survey_long_side_px: int = 640
    """Longer side to which images are reduced for the first pass, pixels."""
    history_s: float = 8.0
    """Seconds of reduced samples that are kept to follow a new hand backwards."""
    verify_candidates: int = 2
    """New candidates verified in one slot of the first pass."""
    sure_score: float = 0.45
    """Score from which a followed hand explains candidates that lie on it."""
    explained_iou: float = 0.3
    """Overlap with a followed hand from which a candidate is explained by it."""
    unchanged_levels: float = 5.0
    """Grey levels of 255 by which a place may change and still be what was rejected there."""
    max_rejected: int = 16
    """Rejected places that are remembered."""
    max_missed_s: float = 0.3
    """Seconds without the hand after which its track ends."""
    trial_s: float = 1.0
    """Seconds over which a track must show enough support, again and again."""
    min_support: float = 0.6
    """Share of the samples of the trial in which the hand must be seen."""
    min_track_score: float = 0.3
    """Mean score over the trial below which the track follows no hand."""
    better_score: float = 1.25
    """Of two tracks on one hand the older one stays unless the other scores so many times more."""
    max_step: float = 0.4
    """Sides of its crop by which a hand is expected to move on from one sample to the next."""

    # Stitching of the pieces of one hand
    min_score_ratio: float = 0.6
    """Lower score over the higher one of two pieces of one hand, or of two neighbouring samples in
    which it is not at the same place."""
    near_gap_s: float = 1.0
    """Seconds between two pieces up to which nearness alone joins them."""
    near_distance: float = 1.8
    """Sides of the smaller crop between two near pieces."""
    near_size_ratio: float = 2.0
    """Ratio of the sizes of two near pieces."""
    far_size_ratio: float = 1.5
    """Ratio of the median sizes of two pieces of one hand that was away, or far."""
    far_score: float = 0.4
    """Mean score that both such pieces need."""
    sure_chirality: float = 0.2
    """Mean sine of the angle between thumb and palm from which two pieces of opposite sign are two
    hands; nearer to 0 the hand is seen from its edge."""
    max_colour_levels: float = 70.0
    """Levels of 255, in any channel, by which the palm's colour may differ between such pieces."""

    # Path of the crop
    palm_smooth_s: float = 0.1
    """Seconds (standard deviation of a Gaussian) over which the path of the palm is smoothed."""
    extent_s: float = 0.5
    """Seconds before and after within which the crop must show all that the hand reached."""
    max_hand_to_crop: float = 0.86
    """What the hand reached over the side of its crop, at most: more may be cut off."""
    extent_smooth_s: float = 0.2
    """Seconds (standard deviation) over which the size of the crop is smoothed."""

    # Second pass: place the keypoints
    max_chunk_bytes: int = 256 * 2**20
    """Bytes of images that are held at once; a slot of more is divided."""
    flip_test_confidence: float = 0.7
    """Confidence of both tips up to which a frame is seen mirrored, too, and both answers averaged.
    On ten rendered recordings, half of them dark and blurred, 0.9 and 0.98 place no tip better and
    take a tenth and a fifth longer."""
    mirror_every: int = 16
    """One frame in so many is seen mirrored to say whether the answers agree."""
    agreement_distance: float = 0.1
    """Answers nearer than this are the same tip."""
    max_reach: float = 0.49
    """Sides of its crop to which a hand may reach from the middle; beyond, it may be cut off."""
    max_relooks: int = 2
    """Times that one frame is looked at again in a corrected crop."""
    median_frames: int = 9
    """Frames over which the middle of the hand is smoothed, to which fingertips are related."""

    # Which hand taps
    min_tip_confidence: float = 0.5
    """Confidence of both tips from which a sample says anything of tapping: where tips are more
    likely wrong than right, their jitter beats the taps of a hand that is seen well."""
    span_samples: int = 4
    """Samples over which the range of the aperture is taken: a slow tap moves little more than
    jitter from one sample to the next, and a fast one is back again by the last."""
    min_palm_share: float = 0.375
    """Palm over the hand's size that is believed: less is a palm that points at the camera, and
    would make any jitter of the tips a tap."""
    max_aperture_palms: float = 3.0
    """Aperture, in palms, beyond which the tips are not believed."""
    both_tap_ratio: float = 0.5
    """A second hand that taps so much of the first one taps too: then the side decides."""

    # Which fingertip is which
    min_tip_peak: float = 0.08
    """Peak value from which a place may be a fingertip."""
    same_place: float = 0.067
    """Peaks of several fingers nearer than this are answers about one tip."""
    max_tip_step: float = 0.083
    """A tip further than this from where it was one frame ago is another one, or one that taps
    fast; either way it is not voted on."""
    second_peak_distance: float = 0.1
    """A peak nearer than this is the same blurred tip, no second peak."""
    max_tip_missed_s: float = 0.1
    """Seconds for which a tip may be out of sight and be the same."""
    min_vote_s: float = 0.25
    """Seconds for which a tip must be followed to be voted on."""
    vote_ratio: float = 3.0
    """A tip is another finger's if that has so many times the votes; a folded middle finger often
    answers at the index finger's tip as loudly. Between 3 and 4 the fewest tips were wrong."""
    other_tapping_weight: float = 0.5
    """Weight of an answer where the other tapping finger was voted to be: the two do meet."""


DEFAULTS: Final = PoseSettings()
"""The settings of the program."""
