"""Train a network, from nothing or from given weights, resumably and repeatably."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from tapscope.datasets.annotations import LabelledSet
from tapscope.files import write_whole
from tapscope.hand import INDEX_TIP, MEASURED, THUMB_TIP
from tapscope.network.pmsdsnet import HeatmapNetwork, normalise
from tapscope.records import FloatArray
from tapscope.training import checkpoint
from tapscope.training.augmentation import Sample
from tapscope.training.dataset import (
    Batch,
    BatchSampler,
    ImageCache,
    TrainingSamples,
    ValidationCrop,
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
from tapscope.training.muon import MuonAdam
from tapscope.training.settings import (
    TrainSettings,
    augmentation_in_epoch,
    crop_size_in_epoch,
    foreground_weight_in_epoch,
    lr_schedule,
)
from tapscope.training.validation import by_dataset, keypoint_indices, share_within, validate


@dataclass(frozen=True, slots=True)
class TrainResult:
    """What came out of a run."""

    network: HeatmapNetwork
    """The averaged weights of the epoch kept, see `TrainSettings.keep`."""
    reports: list[EpochReport]
    before: dict[str, float]
    """PCK@0.1 on the validation views of each dataset with the weights given; empty without."""
    after: dict[str, float]
    """The same with the weights returned."""
    tips_pck_005: float
    """Share of validation tips within 0.05 of the hand with the weights returned, as in
    `EpochReport`."""
    tips_pck_01: float
    """The same within 0.1."""
    confidence: FloatArray | None
    """Slope, second-peak slope and intercept of the calibration on the measured keypoints, see
    `weights.Card`; shape (3,). None where the validation keypoints are too few, or too few of them
    wrong, to fit it."""

    @property
    def kept_start(self) -> bool:
        """Say whether the weights given are returned, no epoch being better."""
        return bool(self.before) and not any(report.best for report in self.reports)


def autocast_type(device: torch.device) -> torch.dtype | None:
    """Return bfloat16 where the hardware computes in it, None where it would be emulated."""
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
    """Train `network` in place and return the averaged weights of its best epoch, or its last.

    Parameters
    ----------
    training, validation
        Labelled images; no group on both sides.
    out
        Where the weights will be written; checkpoint and log lie beside it.
    network
        Fresh, or holding the weights to start from.
    fine_tuning
        The given weights are worth keeping: they are measured first, make up a share of what is
        returned, are returned whole if the best is to be kept and no epoch is better, and keep
        their batch statistics.
    resume
        Go on from the checkpoint beside `out`, to the same result as without interruption.
    on_step, on_epoch
        Called for progress.

    Raises
    ------
    WeightsError
        There is nothing to resume, or it was made with other settings.
    """
    torch.manual_seed(settings.seed)
    images = ImageCache(training.images)
    fixed = validation_crops(validation, settings.size_px, most=settings.max_validation_images)
    network.to(device=device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = copy.deepcopy(network)
    optimiser = MuonAdam(
        network,
        muon_lr=settings.muon_lr,
        adam_lr=settings.adam_lr,
        weight_decay=settings.weight_decay,
    )
    leading = keypoint_indices(training.keypoints, (THUMB_TIP, INDEX_TIP))
    keeps_best = (settings.keep or ("last" if fine_tuning else "best")) == "best"
    before, best_score = {}, -1.0
    start = copy.deepcopy(average) if fine_tuning else None
    if fine_tuning:
        error, _ = validate(average, fixed, device)
        before = by_dataset(error, fixed)
        if keeps_best:
            best_score = validation_score(error[:, leading])
    best = copy.deepcopy(average)
    reports: list[EpochReport] = []
    first = 0
    run = checkpoint.Run(network, average, best, optimiser)
    if resume:
        state = checkpoint.load(out, run, settings=asdict(settings), images=len(training))
        reports = parse_reports(state.reports, checkpoint.path_of(out))
        first, best_score = len(reports), state.best_score

    keypoint_weight = _keypoint_weight(len(training.keypoints), leading, settings).to(device)
    loss_of = _loss(network, settings, keypoint_weight)
    stride = network.size_divisor
    steps_an_epoch = len(_batches_of_epoch(training, settings, 0, stride))
    steps = steps_an_epoch * settings.epochs
    for epoch in range(first, settings.epochs):
        mean_loss = _train_epoch(
            run, TrainingSamples(images, augmentation_in_epoch(epoch, settings)),
            _batches_of_epoch(training, settings, epoch, stride), settings, device=device,
            loss_of=partial(loss_of, foreground=foreground_weight_in_epoch(epoch, settings)),
            first_step=epoch * steps_an_epoch, steps=steps, fine_tuning=fine_tuning,
            on_step=on_step,
        )  # fmt: skip
        kept = (
            interpolate_weights(start, average, 1 - settings.weight_interpolation)
            if start is not None
            else average
        )
        error, _ = validate(kept, fixed, device)
        report = make_report(epoch, mean_loss, error, leading, best_score)
        if report.best:
            if keeps_best:
                best_score = report.tips_area_01
            best.load_state_dict(kept.state_dict())
        reports.append(report)
        checkpoint.save(
            out, run, settings=asdict(settings), images=len(training),
            reports=[asdict(r) for r in reports], best_score=best_score,
        )  # fmt: skip
        write_whole(out.with_suffix(".log.csv"), log_csv(reports))
        on_epoch(report, best)

    return _result(best, fixed, training.keypoints, device, reports=reports, before=before)


def _keypoint_weight(count: int, leading: Sequence[int], settings: TrainSettings) -> Tensor:
    """Return the weight of each keypoint in the loss, shape (keypoints,)."""
    weight = torch.ones(count)
    weight[list(leading)] = settings.tip_weight
    return weight


def _loss(
    network: HeatmapNetwork, settings: TrainSettings, keypoint_weight: Tensor
) -> Callable[..., Tensor]:
    """Return the loss of a batch: pixels, target, weight and foreground weight to a scalar."""

    def loss_of(pixels: Tensor, target: Tensor, weight: Tensor, foreground: float) -> Tensor:
        return total_loss(
            network(pixels), target, weight * keypoint_weight, alpha=settings.alpha,
            foreground_weight=foreground, stride=network.stride,
        )  # fmt: skip

    return torch.compile(loss_of, dynamic=False) if settings.compiled else loss_of


def _result(
    network: HeatmapNetwork,
    fixed: Sequence[ValidationCrop],
    keypoints: Sequence[str],
    device: torch.device,
    *,
    reports: list[EpochReport],
    before: dict[str, float],
) -> TrainResult:
    """Measure the weights that are returned, and calibrate their confidence."""
    error, peak_values = validate(network, fixed, device)
    tips = error[:, keypoint_indices(keypoints, (THUMB_TIP, INDEX_TIP))]
    measured = keypoint_indices(keypoints, MEASURED)
    known = np.isfinite(error[:, measured])
    good = error[:, measured][known] < 0.1
    return TrainResult(
        network=network.cpu(),
        reports=reports,
        before=before,
        after=by_dataset(error, fixed),
        tips_pck_005=share_within(tips, 0.05),
        tips_pck_01=share_within(tips, 0.1),
        confidence=(
            calibrate(peak_values[:, measured][known].astype(float), good)
            if can_calibrate(good)
            else None
        ),
    )


def _batches_of_epoch(
    training: LabelledSet, settings: TrainSettings, epoch: int, stride: int
) -> BatchSampler:
    return BatchSampler(
        training,
        batch_size=settings.batch_size,
        size_px=crop_size_in_epoch(epoch, stride, settings),
        seed=settings.seed,
        epoch=epoch,
    )


def _train_epoch(
    run: checkpoint.Run,
    views: TrainingSamples,
    draws: BatchSampler,
    settings: TrainSettings,
    *,
    device: torch.device,
    loss_of: Callable[[Tensor, Tensor, Tensor], Tensor],
    first_step: int,
    steps: int,
    fine_tuning: bool,
    on_step: Callable[[int, int, float], None],
) -> float:
    """Train one epoch and return its mean loss."""
    loader: DataLoader[Sample] = DataLoader(
        views,
        batch_sampler=draws,
        num_workers=settings.loader_workers,
        collate_fn=Batch.stack,
        prefetch_factor=4 if settings.loader_workers else None,
    )
    low_precision = autocast_type(device)
    run.network.train()
    if fine_tuning:
        freeze_batchnorm(run.network)
    losses = []
    for number, batch in enumerate(loader):
        step = first_step + number
        run.optimiser.set_lr_scale(lr_schedule(step, steps, settings))
        pixels = normalise(batch.pixels.to(device)).contiguous(memory_format=torch.channels_last)
        moved = Batch(pixels, batch.position_px.to(device), batch.weight.to(device))
        target = targets(moved, (pixels.shape[2], pixels.shape[3]), run.network.stride)
        with torch.autocast(device.type, low_precision, enabled=low_precision is not None):
            loss = loss_of(pixels, target, moved.weight)
        run.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(run.network.parameters(), 5.0)
        run.optimiser.step()
        # The average of few steps would remember the random start: the decay warms up too.
        update_ema(run.average, run.network, min(settings.ema_decay, (1 + step) / (10 + step)))
        losses.append(float(loss.detach()))
        on_step(step + 1, steps, losses[-1])
    return float(np.mean(losses))
