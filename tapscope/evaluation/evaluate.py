"""Evaluate one or more weights on sets of labelled images: `tapscope evaluate`."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from tapscope.datasets import annotations
from tapscope.datasets.annotations import LabelledSet
from tapscope.datasets.split import held_out, split_8_1_1
from tapscope.errors import AnnotationError
from tapscope.evaluation.predict import evaluate_set, find_boxes
from tapscope.evaluation.scores import Scored
from tapscope.network.crop import require_crop_size
from tapscope.network.engine import Engine, make_engine
from tapscope.network.pmsdsnet import parameter_count
from tapscope.network.registry import MODELS
from tapscope.network.weights import Card, Weights


def load_sets(
    folders: Sequence[Path],
    *,
    split: str | None = None,
    validation: bool = False,
    split_seed: int | None = None,
    keypoints: Sequence[str] = (),
) -> dict[str, LabelledSet]:
    """Return labelled images by the name of their folder.

    Parameters
    ----------
    folders
        See `annotations.load`.
    split
        Only images of this split.
    validation
        Only images that `tapscope train` holds out for validation.
    split_seed
        Only the last tenth of the paper's 8:1:1 split with this seed, of the images that are not
        marked as test; see `split.split_8_1_1`.
    keypoints
        Only these keypoints; all by default.

    Raises
    ------
    AnnotationError
        A folder cannot be used, or two have one name.
    """
    sets: dict[str, LabelledSet] = {}
    for folder in folders:
        name = folder.resolve().name
        if name in sets:
            raise AnnotationError(f"{folder}: another folder is named {name}, too; rename one")
        images = annotations.load(folder.resolve(), split=split)
        # Split the same images as `train` does, or training images could be evaluated.
        if validation:
            images = held_out(annotations.without_test_images(images, folder))[1]
        if split_seed is not None:
            images = split_8_1_1(annotations.without_test_images(images, folder), seed=split_seed)[
                2
            ]
        if keypoints:
            images = annotations.only_keypoints(images, keypoints)
        if not len(images):
            raise AnnotationError(f"{folder}: too few images to set a tenth aside; give more")
        sets[name] = images
    return sets


def evaluate_weights(
    every: Sequence[Weights],
    sets: dict[str, LabelledSet],
    *,
    names: Sequence[str] = (),
    finder: Engine | None = None,
    device: str = "auto",
    size_px: int | None = None,
    on_image: Callable[[int, int], None] = lambda done, total: None,
) -> list[Scored]:
    """Evaluate weights on sets of labelled images.

    Parameters
    ----------
    every
        The weights.
    sets
        Labelled images by name, see `load_sets`.
    names
        The name of each of the weights; by default see `names_of`.
    finder
        Detects the hands for all weights; by default each network detects them itself.
    size_px
        Side of the crops, see `predict.predict_keypoints`.
    device
        See `engine.make_engine`.
    on_image
        Called after each image with the number of images done and their total.

    Raises
    ------
    AnnotationError
        A set has keypoints that the weights do not predict.
    WeightsError
        The size does not suit a network.
    """
    boxes = {
        dataset: [find_boxes(finder, image.pixels()) for image in images.images]
        for dataset, images in sets.items()
        if finder
    }
    total = len(every) * sum(map(len, sets.values()))
    done = 0
    scored = []
    for weights, name in zip(every, names or names_of(every), strict=True):
        if size_px:
            require_crop_size(size_px, weights.network.size_divisor, weights.name)
        engine = make_engine(weights, device)
        for dataset, images in sets.items():

            def step(images: int, _: int, before: int = done) -> None:
                on_image(before + images, total)

            errors = evaluate_set(engine, images, step, boxes=boxes.get(dataset), size_px=size_px)
            done += len(images)
            scored.append(
                Scored(
                    name, weights.card.seed, weights.name, dataset, images.keypoints, tuple(errors)
                )
            )
    return scored


def names_of(every: Sequence[Weights]) -> list[str]:
    """Return a name for each of the weights: its model, or its file where two have one model.

    Two files of one model may differ in their data and settings. Only `tapscope benchmark networks`
    knows that they differ by their seed alone, and names them itself.
    """
    models = [_model_of(weights.card) or weights.path.stem for weights in every]
    count = Counter(models)
    return [
        model if count[model] == 1 else weights.name
        for model, weights in zip(models, every, strict=True)
    ]


def _model_of(card: Card) -> str | None:
    arguments = {name: value for name, value in card.network.items() if name != "keypoints"}
    for name, model in MODELS.items():
        if (model.architecture, dict(model.arguments)) == (card.architecture, arguments):
            return name
    return None


def parameters_of(every: Sequence[Weights], names: Sequence[str] = ()) -> dict[str, int]:
    """Return the number of parameters by name."""
    return {
        name: parameter_count(weights.network)
        for name, weights in zip(names or names_of(every), every, strict=True)
    }
