"""Mix two weights of one network, and calibrate the interpolate_weights.

    python -m tests.bench.mix_weights OLD NEW OUT --share S --data FOLDER [--unseen FOLDER ...]

NEW was trained on from OLD (`tapscope train --init`). Between two such weights those in between are
often better than either (Wortsman and others 2022, "Model soups", arXiv 2203.05482). S of NEW, the
rest of OLD. Figures and confidence come from the images of each --data folder that training holds
out, and from all of each --unseen one; of folders that OLD learned whole they would say nothing.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from tapscope.datasets import annotations, split
from tapscope.hand import INDEX_TIP, MEASURED, THUMB_TIP
from tapscope.network import weights
from tapscope.training.dataset import validation_crops
from tapscope.training.ema import interpolate_weights
from tapscope.training.metrics import calibrate, can_calibrate
from tapscope.training.validation import by_dataset, share_within, validate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--share", type=float, required=True)
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--unseen", type=Path, action="append", default=[])
    options = parser.parse_args()
    old, new = weights.read(options.old), weights.read(options.new)
    share, network = options.share, interpolate_weights(old.network, new.network, options.share)
    held_out = [annotations.load(folder) for folder in options.unseen]
    for folder in options.data:
        held_out.append(
            split.held_out(annotations.without_test_images(annotations.load(folder), folder))[1]
        )
    views = [v for s in held_out for v in validation_crops(s, new.card.input_size_px, most=400)]
    error, peak_values = validate(network, views, torch.device("cpu"))
    measured = error[:, MEASURED]
    known = np.isfinite(measured)
    good = measured[known] < 0.1
    if not can_calibrate(good):
        parser.error("too few of these images' keypoints are right, or wrong, to fit a confidence")
    slope, second_peak, intercept = calibrate(peak_values[:, MEASURED][known].astype(float), good)
    tips = error[:, [THUMB_TIP, INDEX_TIP]]
    metrics = {f"validation_pck@0.1_{name}": v for name, v in by_dataset(error, views).items()}
    metrics["validation_pck@0.05_tips"] = share_within(tips, 0.05)
    metrics["validation_pck@0.1_tips"] = share_within(tips, 0.1)
    card = replace(
        new.card,
        confidence_slope=float(slope),
        confidence_second_peak_slope=float(second_peak),
        confidence_intercept=float(intercept),
        metrics=metrics,
        notes=f"{new.card.notes} Mixed by tests.bench.mix_weights: {share:g} of these, "
        f"{1 - share:g} of {old.name}.",
    )
    card = weights.write(options.out, network, card)
    print(f"{options.out}: {len(views)} images held out, {metrics}")


if __name__ == "__main__":
    main()
