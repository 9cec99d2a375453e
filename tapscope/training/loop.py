"""The training loop: resumable, and the same result for the same seed."""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from tapscope.datasets.annotations import LabelledSet
from tapscope.hand import TIPS, Measured
from tapscope.network.pmsdsnet import HeatmapNetwork, normalise
from tapscope.output.table import write_result
from tapscope.records import FloatArray
from tapscope.training import checkpoint
from tapscope.training.augmentation import Sample
from tapscope.training.dataset import (
    Batch,
    BatchSampler,
    ImageCache,
    TrainingSamples,
    tracked_crops,
    validation_crops,
)
from tapscope.training.ema import freeze_batchnorm, interpolate_weights, update_ema
from tapscope.training.epoch_log import (
    EpochReport,
    log_csv,
    make_report,
    parse_reports,
    validation_score,
)
from tapscope.training.loss import targets, total_loss
from tapscope.training.metrics import calibrate, can_calibrate
from tapscope.training.optimisers import make_optimisers, set_lr_scale
from tapscope.training.settings import (
    TrainSettings,
    augmentation_in_epoch,
    crop_size_in_epoch,
    foreground_weight_in_epoch,
    lr_schedule,
)
from tapscope.training.validation import by_dataset, keypoint_indices, share_within, validate

CALIBRATION_SEED: Final = 1
"""Fixed, so that two runs are calibrated on the same crops."""
GOOD_SHARE: Final = 0.1
"""The confidence is the chance of an error under so much of the hand."""


@dataclass(frozen=True, slots=True)
class TrainResult:
    """Result of a run."""

    network: HeatmapNetwork
    """The averaged weights of the epoch kept, see `TrainSettings.keep`."""
    reports: list[EpochReport]
    before: dict[str, float]
    """Fine-tuning: PCK@0.1 of the initial weights on the validation crops of each dataset; else
    empty."""
    after: dict[str, float]
    """The same of the weights returned."""
    tips_pck_005: float
    """Share of validation tips within 0.05 of the hand, of the weights returned; see
    `EpochReport`."""
    tips_pck_01: float
    """The same within 0.1."""
    confidence: FloatArray | None
    """Slope, second-peak slope and intercept of the calibration on the measured keypoints, see
    `weights.Card`; shape (3,). None where too few validation keypoints are right, or wrong, to fit
    it."""

    @property
    def kept_start(self) -> bool:
        """Return whether the initial weights are returned because no epoch was better."""
        return bool(self.before) and not any(report.best for report in self.reports)


def autocast_type(device: torch.device) -> torch.dtype | None:
    """Return bfloat16 where the hardware supports it; None where it would be emulated."""
    if device.type == "cuda":
        return torch.bfloat16
    capability = torch.backends.cpu.get_cpu_capability()
    has_bf16 = capability == "AVX512" and torch.cpu._is_avx512_bf16_supported()
    return torch.bfloat16 if has_bf16 else None


def train(
    training: LabelledSet,
    validation: LabelledSet,
    out: Path,
    settings: TrainSettings,
    *,
    network: HeatmapNetwork,
    fine_tuning: bool = False,
    device: torch.device,
    resume: bool = False,
    on_step: Callable[[int, int, float], None] = lambda step, steps, loss: None,
    on_epoch: Callable[[EpochReport, HeatmapNetwork], None] = lambda report, network: None,
) -> TrainResult:
    """Train `network` in place and return the averaged weights of its best epoch, or of its last.

    Parameters
    ----------
    training, validation
        Labelled images; no group is in both.
    out
        The weights file to be written later; checkpoint and log are written beside it.
    network
        With random weights, or with those to fine-tune.
    fine_tuning
        Validate the initial weights first and return them if the best is to be kept and no epoch
        is better; else return the interpolation of `TrainSettings.weight_interpolation`. Keep the
        batch statistics.
    resume
        Continue from the checkpoint beside `out`; the result is the same as without interruption.
    on_step, on_epoch
        Called for progress.

    Raises
    ------
    WeightsError
        There is no checkpoint to resume from, or it was made with other settings.
    """
    torch.manual_seed(settings.seed)
    images = ImageCache(training.images)
    crops = validation_crops(validation, settings.size_px, most=settings.max_validation_images)
    network.to(device=device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = copy.deepcopy(network)
    optimisers = make_optimisers(
        network,
        muon_lr=settings.muon_lr,
        adam_lr=settings.adam_lr,
        weight_decay=settings.weight_decay,
    )
    tips = keypoint_indices(training.keypoints, TIPS)
    stays_near = fine_tuning and not settings.thorough
    keeps_best = (settings.keep or ("last" if stays_near else "best")) == "best"
    before, best_score = {}, -1.0
    start = copy.deepcopy(average) if fine_tuning else None
    if fine_tuning:
        error, _ = validate(average, crops, device)
        before = by_dataset(error, crops)
        if keeps_best:
            best_score = validation_score(error[:, tips])
    best = copy.deepcopy(average)
    reports: list[EpochReport] = []
    first = 0
    run = checkpoint.Run(network, average, best, optimisers)
    if resume:
        state = checkpoint.load(out, run, settings=asdict(settings), images=len(training))
        reports = parse_reports(state.reports, checkpoint.path_of(out))
        first, best_score = len(reports), state.best_score

    loss_of = _loss(network, settings, keypoint_weights(training.keypoints, settings).to(device))
    divisor = network.size_divisor
    steps_an_epoch = len(_batches_of_epoch(training, settings, 0, divisor))
    steps = steps_an_epoch * settings.epochs
    for epoch in range(first, settings.epochs):
        mean_loss = _train_epoch(
            run, TrainingSamples(images, augmentation_in_epoch(epoch, settings)),
            _batches_of_epoch(training, settings, epoch, divisor), settings, device=device,
            loss_of=partial(loss_of, foreground=foreground_weight_in_epoch(epoch, settings)),
            first_step=epoch * steps_an_epoch, steps=steps,
            freezes_batchnorm=stays_near, on_step=on_step,
        )  # fmt: skip
        kept = (
            interpolate_weights(start, average, 1 - settings.weight_interpolation)
            if start is not None and stays_near
            else average
        )
        error, _ = validate(kept, crops, device)
        report = make_report(epoch, mean_loss, error, tips, best_score)
        if report.best:
            if keeps_best:
                best_score = report.tips_area_01
            best.load_state_dict(kept.state_dict())
        reports.append(report)
        checkpoint.save(
            out, run, settings=asdict(settings), images=len(training),
            reports=[asdict(r) for r in reports], best_score=best_score,
        )  # fmt: skip
        write_result(out.with_suffix(".log.csv"), log_csv(reports))
        on_epoch(report, best)

    return measured_result(
        best, validation, device, size_px=settings.size_px, most=settings.max_validation_images,
        reports=reports, before=before,
    )  # fmt: skip


def keypoint_weights(keypoints: Sequence[str], settings: TrainSettings) -> Tensor:
    """Return the weight of each keypoint in the loss, shape (keypoints,)."""
    weights = dict.fromkeys(TIPS, settings.tip_weight)
    weights |= dict.fromkeys(("wrist", "middle_mcp"), settings.palm_weight)
    return torch.tensor([weights.get(name, 1.0) for name in keypoints])


def _loss(
    network: HeatmapNetwork, settings: TrainSettings, keypoint_weight: Tensor
) -> Callable[..., Tensor]:
    """Return the loss function of a batch: (pixels, target, weight, foreground weight)."""

    def loss_of(pixels: Tensor, target: Tensor, weight: Tensor, foreground: float) -> Tensor:
        return total_loss(
            network(pixels), target, weight * keypoint_weight, alpha=settings.alpha,
            foreground_weight=foreground, stride=network.stride,
        )  # fmt: skip

    return torch.compile(loss_of, dynamic=False) if settings.compiled else loss_of


def measured_result(
    network: HeatmapNetwork,
    validation: LabelledSet,
    device: torch.device,
    *,
    size_px: int,
    most: int,
    reports: Sequence[EpochReport] = (),
    before: Mapping[str, float] = MappingProxyType({}),
) -> TrainResult:
    """Validate the weights that are returned, and calibrate their confidence.

    Parameters
    ----------
    validation
        Labelled images that the network did not learn from.
    size_px
        Side of the crops.
    most
        How many of the images are used.
    reports, before
        See `TrainResult`.
    """
    crops = validation_crops(validation, size_px, most=most)
    error, _ = validate(network, crops, device)
    tips = error[:, keypoint_indices(validation.keypoints, TIPS)]
    confidence = _calibrated(network, validation, device, size_px=size_px, most=most)
    return TrainResult(
        network=network.cpu(),
        reports=list(reports),
        before=dict(before),
        after=by_dataset(error, crops),
        tips_pck_005=share_within(tips, 0.05),
        tips_pck_01=share_within(tips, 0.1),
        confidence=confidence,
    )


def _calibrated(
    network: HeatmapNetwork,
    validation: LabelledSet,
    device: torch.device,
    *,
    size_px: int,
    most: int,
) -> FloatArray | None:
    """Return the calibration of the confidence, see `TrainResult.confidence`."""
    crops = tracked_crops(validation, size_px, most=most, seed=CALIBRATION_SEED)
    error, peak_values = validate(network, crops, device)
    measured = keypoint_indices(validation.keypoints, Measured._fields)
    # A hidden keypoint is not to be believed, even where the guess is right.
    hidden = np.stack([crop.hidden for crop in crops])[:, measured]
    known = np.isfinite(error[:, measured]) | hidden
    good = error[:, measured][known] < GOOD_SHARE
    if not can_calibrate(good):
        return None
    return calibrate(peak_values[:, measured][known].astype(float), good)


def _batches_of_epoch(
    training: LabelledSet, settings: TrainSettings, epoch: int, size_divisor: int
) -> BatchSampler:
    return BatchSampler(
        training,
        batch_size=settings.batch_size,
        size_px=crop_size_in_epoch(epoch, size_divisor, settings),
        seed=settings.seed,
        epoch=epoch,
    )


def _train_epoch(
    run: checkpoint.Run,
    samples: TrainingSamples,
    batches: BatchSampler,
    settings: TrainSettings,
    *,
    device: torch.device,
    loss_of: Callable[[Tensor, Tensor, Tensor], Tensor],
    first_step: int,
    steps: int,
    freezes_batchnorm: bool,
    on_step: Callable[[int, int, float], None],
) -> float:
    """Train one epoch and return its mean loss."""
    loader: DataLoader[Sample] = DataLoader(
        samples,
        batch_sampler=batches,
        num_workers=settings.loader_workers,
        collate_fn=Batch.stack,
        prefetch_factor=4 if settings.loader_workers else None,
    )
    low_precision = autocast_type(device)
    run.network.train()
    if freezes_batchnorm:
        freeze_batchnorm(run.network)
    losses = []
    for number, batch in enumerate(loader):
        step = first_step + number
        set_lr_scale(run.optimisers, lr_schedule(step, steps, settings))
        here = batch.to(device)
        pixels = normalise(here.pixels).contiguous(memory_format=torch.channels_last)
        target = targets(here, (pixels.shape[2], pixels.shape[3]), run.network.stride)
        with torch.autocast(device.type, low_precision, enabled=low_precision is not None):
            loss = loss_of(pixels, target, here.weight)
        run.network.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(run.network.parameters(), 5.0)
        for optimiser in run.optimisers:
            optimiser.step()
        # The decay warms up, too, or the average of the first steps would be the random start.
        update_ema(run.average, run.network, min(settings.ema_decay, (1 + step) / (10 + step)))
        losses.append(float(loss.detach()))
        on_step(step + 1, steps, losses[-1])
    return float(np.mean(losses))
