"""Interpolate two weights of one network, and calibrate the result.

    python -m tests.bench.mix_weights OLD NEW OUT --share S --data FOLDER [--unseen FOLDER ...]

NEW was fine-tuned from OLD (`tapscope train --init`). The mean of two such weights is often better
than either (Wortsman and others 2022, "Model soups", arXiv 2203.05482). The result is
S * NEW + (1 - S) * OLD. It is validated and calibrated on the validation images of each --data
folder and on all images of each --unseen one, none of which may have trained OLD or NEW.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import torch

from tapscope.datasets import annotations, split
from tapscope.network import weights
from tapscope.training.ema import interpolate_weights
from tapscope.training.loop import measured_result
from tapscope.training.model_card import validation_metrics


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
        images = annotations.without_test_images(annotations.load(folder), folder)
        held_out.append(split.held_out(images)[1])
    validation = annotations.merge(held_out)
    result = measured_result(
        network, validation, torch.device("cpu"), size_px=new.card.input_size_px,
        most=len(validation),
    )  # fmt: skip
    if result.confidence is None:
        parser.error("too few keypoints of these images are right, or wrong, to fit a confidence")
    slope, second_peak_slope, intercept = map(float, result.confidence)
    card = replace(
        new.card,
        confidence_slope=slope,
        confidence_second_peak_slope=second_peak_slope,
        confidence_intercept=intercept,
        metrics=validation_metrics(result),
        notes=f"{new.card.notes} Mixed by tests.bench.mix_weights: {share:g} of these, "
        f"{1 - share:g} of {old.name}.",
    )
    card = weights.write(options.out, network, card)
    print(f"{options.out}: {len(validation)} validation images, {dict(card.metrics)}")


if __name__ == "__main__":
    main()
