"""Does a network gain from its own answers on unlabelled frames of one camera?

    python -m tests.bench.self_training FOLDER --group NAME [--group NAME ...]

The frames of each group of FOLDER (one camera each) are divided in halves. The first half gets the
network's own keypoints as labels, where a look in the mirror agrees and both tips are sure; the
network is fine-tuned on them as `tapscope train` does. Prints the tips of the second half within
0.05 and 0.1 of the hand before and after, in crops as tracking takes them.
"""

import argparse
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np

from tapscope.datasets import annotations
from tapscope.datasets.annotations import LabelledImage, LabelledSet
from tapscope.hand import TIPS
from tapscope.network import weights
from tapscope.network.bundled_weights import find_weights
from tapscope.network.crop import CropBox, take_crop, transform_points
from tapscope.network.engine import Engine, make_engine
from tapscope.training.dataset import VALIDATION_HAND_TO_CROP_RATIO
from tapscope.training.run import train_weights
from tapscope.training.settings import TrainSettings
from tests.bench.confidence import tips_of

AGREES: Final = 0.05
SURE_TIP: Final = 0.7
SURE: Final = 0.5


def own_label(engine: Engine, image: LabelledImage) -> list[float] | None:
    """Return x, y and visibility of each keypoint as the network sees it; None if it is unsure."""
    side, hand = engine.card.input_size_px, image.hands[0]
    x, y = hand.centre_px
    box = CropBox(x, y, max(hand.size_px, 8.0) / VALIDATION_HAND_TO_CROP_RATIO)
    crop = take_crop(image.pixels(), box, side)
    seen = engine.keypoints(crop[None])
    mirrored_px = engine.keypoints(np.ascontiguousarray(crop[None, :, ::-1])).position_px[0]
    mirrored_px[:, 0] = side - 1 - mirrored_px[:, 0]
    apart = np.linalg.norm(mirrored_px - seen.position_px[0], axis=1)
    agrees = apart < AGREES * VALIDATION_HAND_TO_CROP_RATIO * side
    tips = [engine.card.keypoints.index(name) for name in TIPS]
    if not (agrees[tips].all() and (seen.confidence[0, tips] > SURE_TIP).all()):
        return None
    place = transform_points((mirrored_px + seen.position_px[0]) / 2, box.to_image(side))
    known = agrees & (seen.confidence[0] > SURE)
    shown = [
        [*xy, 2.0] if is_known else [0.0] * 3 for xy, is_known in zip(place, known, strict=True)
    ]
    return [float(value) for three in shown for value in three]


def write_own_labels(engine: Engine, images: list[LabelledImage], folder: Path) -> int:
    """Write a folder of labelled frames; return how many have labels."""
    content: dict[str, Any] = {
        "images": [], "annotations": [],
        "categories": [{"id": 1, "name": "hand", "keypoints": list(engine.card.keypoints)}],
    }  # fmt: skip
    for number, image in enumerate(images):
        label = own_label(engine, image)
        if label is None:
            continue
        left, top, right, bottom = map(float, image.hands[0].box_px)
        content["images"].append(
            {"id": number, "file_name": str(image.path.absolute()), "width": image.width,
             "height": image.height, "group": image.group}
        )  # fmt: skip
        content["annotations"].append(
            {"id": number, "image_id": number, "category_id": 1, "keypoints": label,
             "bbox": [left, top, right - left, bottom - top], "labelled_by": "itself"}
        )  # fmt: skip
    (folder / "annotations.json").write_text(json.dumps(content))
    return len(content["images"])


def shares(engine: Engine, images: LabelledSet) -> str:
    """Return the tips within 0.05 and 0.1 of the hand, per cent."""
    error = tips_of(engine, images).error
    known = error[np.isfinite(error)]
    return " / ".join(f"{100 * np.mean(known < limit):.1f}" for limit in (0.05, 0.1))


def main() -> None:
    """Print a line for each group."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--group", action="append", required=True)
    parser.add_argument("--weights", type=Path)
    options = parser.parse_args()
    source = find_weights(options.weights)
    engine = make_engine(weights.read(source), "cpu")
    every = annotations.load(options.folder)
    for group in options.group:
        images = list(every.where(lambda image, group=group: image.group == group).images)
        half = len(images) // 2
        unseen = LabelledSet(tuple(images[half:]), every.keypoints)
        with TemporaryDirectory() as place:
            folder, out = Path(place), Path(place) / "tuned.safetensors"
            kept = write_own_labels(engine, images[:half], folder)
            settings = TrainSettings(epochs=12)
            train_weights([folder, folder], out, settings, init=source)
            tuned = make_engine(weights.read(out), "cpu")
            print(
                f"{group}: {kept} of {half} frames labelled; tips before "
                f"{shares(engine, unseen)} %, after {shares(tuned, unseen)} %",
                flush=True,
            )


if __name__ == "__main__":
    main()
