"""Adaptive depth: accuracy and arithmetic for a range of peak values that end an image early.

    python -m tests.bench.adaptive_depth FOLDER [--split test] [--weights FILE] [--joint NAME ...]

Hands are detected once, at full depth; only the prediction of their keypoints is adaptive. The
keypoints of --joint (all by default) must reach the threshold for an image to end early.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from tapscope.evaluation.evaluate import load_sets
from tapscope.evaluation.predict import evaluate_set, find_boxes, still_size_px
from tapscope.evaluation.scores import Scored, tips_of
from tapscope.network.bundled_weights import find_weights
from tapscope.network.engine import make_engine
from tapscope.network.weights import read
from tapscope.training.metrics import pck
from tests.bench.adaptive_engine import AdaptiveEngine, arithmetic

THRESHOLDS = (float("inf"), 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--split")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--finder", type=Path)
    parser.add_argument("--joint", action="append", default=[])
    options = parser.parse_args()
    given = read(find_weights(options.weights))
    finder = make_engine(read(find_weights(options.finder)))
    ((name, images),) = load_sets(
        [options.folder], split=options.split, keypoints=options.joint
    ).items()
    boxes = [find_boxes(finder, image.pixels()) for image in images.images]
    first = AdaptiveEngine(given, THRESHOLDS[0])
    size = still_size_px(first)
    shares = np.array(arithmetic(first.network, size))
    print(f"{given.name} on {name}: {len(images)} images, crops of {size} px")
    print("threshold  stages  arithmetic  PCK@5  PCK@10  PCK@20  images/s")
    for threshold in THRESHOLDS:
        engine = AdaptiveEngine(given, threshold, options.joint)
        begin = time.perf_counter()
        errors = evaluate_set(engine, images, boxes=boxes, size_px=size)
        seconds = time.perf_counter() - begin
        distance, _ = tips_of(Scored("", 0, "", name, images.keypoints, tuple(errors))).distances()
        stages = np.array(engine.stages)
        within = "  ".join(f"{100 * pck(distance, t):5.1f}" for t in (5, 10, 20))
        print(
            f"{threshold:9.2f}  {stages.mean():6.2f}  {shares[stages - 1].mean():10.3f}  {within}"
            f"  {len(images) / seconds:10.1f}"
        )


if __name__ == "__main__":
    main()
