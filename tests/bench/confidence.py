"""Hold the confidence of the tips against their errors, on hands in crops as tracking takes them.

    python -m tests.bench.confidence --data FOLDER [--data FOLDER ...] [--group NAME ...]
        [--split SPLIT] [--weights WEIGHTS] [--figure PNG]

Prints for each folder how often tips are right (within 0.1 of the hand), the same of those with a
confidence over 0.9, and which share of the hidden tips has a confidence under 0.5; darkest and
lightest third apart. With --figure it draws the reliability diagram of all folders together: how
often tips of a confidence are right. A hidden tip counts as wrong in it.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tapscope.datasets import annotations
from tapscope.datasets.annotations import LabelledSet
from tapscope.evaluation.predict import skin_luminance
from tapscope.hand import TIPS
from tapscope.network import weights
from tapscope.network.bundled_weights import find_weights
from tapscope.network.engine import Engine, make_engine
from tapscope.output.figure_style import PALE, VIDEO_COLOUR, canvas, render
from tapscope.records import FloatArray
from tapscope.training.dataset import tracked_crops

RIGHT = 0.1
BINS = 10


@dataclass(frozen=True)
class Tips:
    """The labelled tips of a folder, one number each."""

    error: FloatArray
    """Over the hand's longer side; NaN where the tip is hidden."""
    confidence: FloatArray
    luminance: FloatArray
    """Of the hand's skin."""
    is_hidden: FloatArray
    keypoint_error: FloatArray
    """The same as `error` of every labelled keypoint in sight."""


def tips_of(engine: Engine, images: LabelledSet) -> Tips:
    """Predict the hands of labelled images."""
    size_px = engine.card.input_size_px
    crops = tracked_crops(images, size_px, most=len(images), seed=7)
    order = [engine.card.keypoints.index(name) for name in images.keypoints]
    tips = [images.keypoints.index(name) for name in TIPS]
    errors, sure, hidden = [], [], []
    for crop in crops:
        found = engine.keypoints(crop.pixels[None])
        error = np.linalg.norm(found.position_px[0, order] - crop.position_px, axis=1)
        errors.append(np.where(crop.hidden, np.nan, error / crop.hand_px))
        sure.append(found.confidence[0, order])
        hidden.append(crop.hidden)
    luminance = [skin_luminance(i.pixels(), i.hands[0].box_px) for i in images.images]
    error, confidence, is_hidden = (np.array(part) for part in (errors, sure, hidden))
    known = np.isfinite(error[:, tips]) | is_hidden[:, tips]
    return Tips(
        error=error[:, tips][known],
        confidence=confidence[:, tips][known],
        luminance=np.repeat(np.array(luminance)[:, None], len(tips), axis=1)[known],
        is_hidden=is_hidden[:, tips][known],
        keypoint_error=error[np.isfinite(error)],
    )


def share(values: FloatArray) -> str:
    """Return a share in per cent, a dash without any."""
    return f"{100 * float(np.mean(values)):.1f}" if len(values) else "-"


def describe(name: str, tips: Tips) -> str:
    """Return a line about the tips of one folder."""
    seen = np.isfinite(tips.error)
    right = tips.error[seen] < RIGHT
    sure = tips.confidence[seen] > 0.9
    low, high = np.quantile(tips.luminance[seen], [1 / 3, 2 / 3])
    dark, light = tips.luminance[seen] <= low, tips.luminance[seen] >= high
    hidden = tips.confidence[tips.is_hidden.astype(bool)]
    return (
        f"{name}: tips right {share(right)} % of {len(right)}, all keypoints "
        f"{share(tips.keypoint_error < RIGHT)} %; sure {share(sure)} %, of these right "
        f"{share(right[sure])} %; hidden and under 0.5 {share(hidden < 0.5)} % of {len(hidden)}; "
        f"darkest third {share(right[dark])} %, lightest {share(right[light])} %"
    )


def draw(tips: list[Tips]) -> bytes:
    """Return the reliability diagram as PNG."""
    confidence = np.concatenate([one.confidence for one in tips])
    right = np.concatenate([np.nan_to_num(one.error, nan=np.inf) < RIGHT for one in tips])
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    held = [n for n in range(BINS) if (place == n).sum() >= 20]
    figure, axes = canvas(4.2, 4.0)
    axes.plot([0, 1], [0, 1], color=PALE, linewidth=1, label="as said")
    axes.plot(
        [confidence[place == n].mean() for n in held],
        [right[place == n].mean() for n in held],
        marker="o",
        color=VIDEO_COLOUR,
        label=f"{len(right)} tips",
    )
    axes.set(xlabel="confidence", ylabel="share right", xlim=(0, 1), ylim=(0, 1))
    axes.legend()
    return render(figure)[1]


def main() -> None:
    """Print the table and write the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--group", action="append", default=[])
    parser.add_argument("--split")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--figure", type=Path)
    options = parser.parse_args()
    engine = make_engine(weights.read(find_weights(options.weights)), "cpu")
    found = []
    for folder in options.data:
        images = annotations.load(folder, split=options.split)
        if options.group:
            images = images.where(lambda image: image.group in options.group)
        found.append(tips_of(engine, images))
        print(describe(folder.name, found[-1]), flush=True)
    if options.figure:
        options.figure.write_bytes(draw(found))


if __name__ == "__main__":
    main()
