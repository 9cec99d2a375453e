"""Fine-tuning on a few frames of one clip: gain on the rest of it, loss on other images.

    python -m tests.bench.fine_tuning FOLDER GROUP --elsewhere FOLDER [--split test]

Takes 30 frames of GROUP, evenly spread, as a laboratory would label them; fine-tunes the weights
with the defaults of `tapscope train --init`; evaluates the other frames of GROUP, and a split of
another folder, before and after. The evaluated weights detect the hands themselves.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tapscope.datasets.annotations import LabelledSet, load
from tapscope.evaluation.predict import evaluate_set
from tapscope.evaluation.scores import Scored, tips_of
from tapscope.network.bundled_weights import find_weights
from tapscope.network.engine import make_engine
from tapscope.network.weights import read
from tapscope.training.metrics import pck
from tapscope.training.run import train_weights
from tapscope.training.settings import TrainSettings

FRAMES = 30


def errors_of(weights: Path, images: LabelledSet) -> tuple[np.ndarray, np.ndarray]:
    errors = evaluate_set(make_engine(read(weights)), images)
    return tips_of(Scored("", 0, "", "", images.keypoints, tuple(errors))).distances()


def print_errors(title: str, weights: Path, images: LabelledSet) -> tuple[float, float]:
    """Print the errors of the tips; return their median in px and PCK@10 px in percent."""
    error, hand = errors_of(weights, images)
    missing = float(np.isnan(error).mean())
    within = [100 * pck(error, t) for t in (5, 10, 20)]
    shares = "  ".join(f"{share:5.1f}" for share in within)
    mean, median = float(np.nanmean(error)), float(np.nanmedian(error))
    print(
        f"{title:18s} median {median:5.2f} px, mean {mean:5.2f} px; within 5, 10, 20 px {shares} %;"
        f" within 0.1 of the hand {100 * pck(error / hand, 0.1):5.1f} %; not found {missing:.1%}",
        flush=True,
    )
    return median, within[1]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("group")
    parser.add_argument("--elsewhere", type=Path, required=True)
    parser.add_argument("--split", default="test")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--epochs", type=int, default=TrainSettings().epochs)
    parser.add_argument("--rate", type=float)
    options = parser.parse_args(arguments)
    given = find_weights(options.weights)
    images = load(options.folder).where(lambda image: image.group == options.group)
    chosen = {int(n) for n in np.linspace(0, len(images) - 1, FRAMES).round()}
    labelled = {image.path.resolve() for n, image in enumerate(images.images) if n in chosen}
    rest = images.where(lambda image: image.path.resolve() not in labelled)
    elsewhere = load(options.elsewhere, split=options.split)
    with TemporaryDirectory() as room:
        folder, out = Path(room) / "labelled", Path(room) / "tuned.safetensors"
        folder.mkdir()
        content = json.loads((options.folder / "annotations.json").read_text())
        kept = [
            row
            | {"split": "train", "file_name": str((options.folder / row["file_name"]).resolve())}
            for row in content["images"]
            if (options.folder / row["file_name"]).resolve() in labelled
        ]
        (folder / "annotations.json").write_text(json.dumps(content | {"images": kept}))
        before = [
            print_errors("before, the rest", given, rest),
            print_errors("before, elsewhere", given, elsewhere),
        ]
        begin = time.perf_counter()
        train_weights(
            [folder], out, TrainSettings(epochs=options.epochs), init=given, lr_scale=options.rate,
            device="cpu",
        )  # fmt: skip
        minutes = (time.perf_counter() - begin) / 60
        after = [
            print_errors("after, the rest", out, rest),
            print_errors("after, elsewhere", out, elsewhere),
        ]
    print(
        f"{options.group}: {FRAMES} frames, {options.epochs} epochs, {minutes:.1f} min; "
        f"median error {100 * (after[0][0] / before[0][0] - 1):+.0f} %, PCK@10 px elsewhere "
        f"{after[1][1] - before[1][1]:+.1f} points"
    )


if __name__ == "__main__":
    main()
