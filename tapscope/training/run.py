"""From folders of labelled images to a weights file: what `tapscope train` does."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import torch

from tapscope import __version__
from tapscope.datasets import annotations, split
from tapscope.datasets.annotations import LabelledSet
from tapscope.errors import AnnotationError
from tapscope.files import read_json
from tapscope.network import weights
from tapscope.network.crop import require_crop_size
from tapscope.network.device import choose_device
from tapscope.network.pmsdsnet import HeatmapNetwork
from tapscope.network.registry import DEFAULT_MODEL, MODELS, Model, build
from tapscope.output.checks import check_file
from tapscope.training.epoch_log import EpochReport
from tapscope.training.loop import TrainResult, train
from tapscope.training.model_card import make_card
from tapscope.training.settings import TrainSettings

FINE_TUNING_LR_SCALE: Final = 0.1
"""Factor on the learning rates when fine-tuning; a guess."""
DEFAULT_FOLDER: Final = Path("annotations")


def folders_or_default(folders: Sequence[Path]) -> list[Path]:
    """Return the folders given, or `annotations/` in the working folder where there are none.

    Raises
    ------
    AnnotationError
        Nothing is given and nothing is there.
    """
    if folders:
        return list(folders)
    if DEFAULT_FOLDER.is_dir():
        return [DEFAULT_FOLDER]
    raise AnnotationError(
        f"nothing to train on: there is no folder {DEFAULT_FOLDER}/ here. Give --data FOLDER; "
        "FOLDER holds annotations.json (COCO keypoints: images, annotations with keypoints "
        "[x, y, visibility, ...], categories with the keypoints' names) and the images it names"
    )


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished training run."""

    result: TrainResult
    card: weights.Card
    out: Path
    training_images: int
    validation_images: int


def train_weights(
    folders: Sequence[Path],
    out: Path,
    settings: TrainSettings,
    *,
    init: Path | None = None,
    model: Model = MODELS[DEFAULT_MODEL],
    keypoints: Sequence[str] = (),
    split_seed: int | None = None,
    size_px: int | None = None,
    lr_scale: float | None = None,
    device: str = "auto",
    resume: bool = False,
    command: str = "",
    on_step: Callable[[int, int, float], None] = lambda step, steps, loss: None,
    on_epoch: Callable[[EpochReport], None] = lambda report: None,
) -> Trained:
    """Train on folders of labelled images and write weights with their card.

    Images marked as `test` are left out; the rest is divided by group into training and
    validation images.

    Parameters
    ----------
    folders
        Each holds annotations.json (COCO keypoints); one given n times is drawn n times as often.
    out
        The weights file; card, checkpoint and log are written beside it.
    init
        Weights to fine-tune; their architecture and keypoints are kept.
    model
        Architecture to train from scratch; ignored with `init`.
    keypoints
        Which of the labelled keypoints to learn; all by default.
    split_seed
        Seed of the paper's 8:1:1 split, of which the first two parts are used, see
        `split.split_8_1_1`. Without it validation takes a few groups of each folder.
    size_px
        Side of the crops; by default that of `init`, else that of the settings.
    lr_scale
        Factor on the learning rates of the settings; by default 1, or 0.1 with `init`.
    device
        "auto", "cpu" or "cuda".
    resume
        Continue from the checkpoint beside `out`.
    command
        Written on the card.
    on_step, on_epoch
        Called for progress.

    Raises
    ------
    AnnotationError
        A folder cannot be used, or has keypoints that the weights of `init` lack.
    WeightsError
        The weights of `init` cannot be read, there is no checkpoint to resume from, there is no
        GPU, or the size does not suit the network.
    OutputError
        `out` cannot be written; this is checked first.
    """
    check_file(out)
    old = weights.read(init) if init else None
    training, validation = _load_folders(folders, old, keypoints=keypoints, split_seed=split_seed)
    if old:
        model = Model(old.card.architecture, old.card.network)
    else:
        model = Model(model.architecture, {"keypoints": len(training.keypoints), **model.arguments})
    torch.manual_seed(settings.seed)  # for the initial weights
    network = build(*model)
    if old:
        network.load_state_dict(old.network.state_dict())
    settings = _settings_of_run(settings, network, old, size_px=size_px, lr_scale=lr_scale)
    result = train(
        training,
        validation,
        out,
        settings,
        network=network,
        fine_tuning=old is not None,
        device=torch.device(choose_device(device)),
        resume=resume,
        on_step=on_step,
        on_epoch=lambda report, network: on_epoch(report),
    )
    card = make_card(
        result,
        model=model,
        settings=settings,
        training=training,
        sources=_sources(tuple(dict.fromkeys(folders)), training, old),
        command=command,
        version=__version__,
        old=old,
    )
    card = weights.write(out, result.network, card)
    return Trained(result, card, out, len(_paths(training)), len(validation))


def _load_folders(
    folders: Sequence[Path],
    old: weights.Weights | None,
    *,
    keypoints: Sequence[str],
    split_seed: int | None,
) -> tuple[LabelledSet, LabelledSet]:
    """Read the folders; return training images, repeated like their folder, and validation ones."""
    times = Counter(folders)
    loaded = {
        folder: annotations.without_test_images(annotations.load(folder), folder)
        for folder in times
    }
    images = annotations.merge(list(loaded.values()))
    if old:
        images = _with_keypoints_of(images, old.card.keypoints)
    # Divided first: `tapscope evaluate --validation` has to hold out the same groups.
    training, validation = map(annotations.with_known_size, _split(images, split_seed))
    if keypoints:
        training = annotations.only_keypoints(training, keypoints)
        validation = annotations.only_keypoints(validation, keypoints)
    often = {image.path: times[folder] for folder, kept in loaded.items() for image in kept.images}
    every = (image for image in training.images for _ in range(often[image.path]))
    return LabelledSet(tuple(every), training.keypoints), validation


def _settings_of_run(
    settings: TrainSettings,
    network: HeatmapNetwork,
    old: weights.Weights | None,
    *,
    size_px: int | None,
    lr_scale: float | None,
) -> TrainSettings:
    """Return the settings with this run's crop size, learning rates and, with `old`, schedules."""
    side = size_px or (old.card.input_size_px if old else settings.size_px)
    require_crop_size(side, network.size_divisor, "the network")
    if lr_scale is None:
        lr_scale = FINE_TUNING_LR_SCALE if old else 1.0
    settings = replace(
        settings,
        size_px=side,
        muon_lr=settings.muon_lr * lr_scale,
        adam_lr=settings.adam_lr * lr_scale,
    )
    if old:  # the early epochs' schedules are for random weights
        settings = replace(settings, small_crop_share=0.0, early_foreground_share=0.0)
    if old and not settings.thorough:
        settings = replace(settings, strong_augmentation_share=0.0, tracking_augmentation_share=1.0)
    return settings


def _split(images: LabelledSet, split_seed: int | None) -> tuple[LabelledSet, LabelledSet]:
    if split_seed is None:
        return split.held_out(images)
    training, validation, _ = split.split_8_1_1(images, seed=split_seed)
    if not len(training) or not len(validation):
        raise AnnotationError(f"{len(images)} images are too few to be divided 8:1:1; give more")
    return training, validation


def _paths(images: LabelledSet) -> set[Path]:
    return {image.path for image in images.images}


def _with_keypoints_of(images: LabelledSet, keypoints: tuple[str, ...]) -> LabelledSet:
    """Return the images with the keypoints of the weights to fine-tune, in their order."""
    unknown = sorted(set(images.keypoints) - set(keypoints))
    if unknown:
        raise AnnotationError(
            f"keypoints {', '.join(unknown)} are not among those of the weights given with --init; "
            "train without --init, or label the keypoints that the weights place"
        )
    reordered = (
        annotations.with_keypoints(image, images.keypoints, keypoints) for image in images.images
    )
    return LabelledSet(tuple(reordered), keypoints)


def _sources(
    folders: Sequence[Path], training: LabelledSet, old: weights.Weights | None
) -> tuple[weights.Source, ...]:
    """Return the sources of the card: the folders, then other sources of the initial weights."""
    new = tuple(_source(folder, training) for folder in folders)
    names = {source.name for source in new}
    before = old.card.trained_on if old else ()
    return (*new, *(source for source in before if source.name not in names))


def _source(folder: Path, training: LabelledSet) -> weights.Source:
    """Return name, licence and number of training images of a folder that `load` has read."""
    content = read_json(folder / "annotations.json", AnnotationError)
    licence = str((content.get("info") or {}).get("licence", "not stated"))
    count = sum(path.is_relative_to(folder) for path in _paths(training))
    return weights.Source(folder.name, licence, count)
