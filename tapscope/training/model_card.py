"""The card of a training run: it describes the weights and the weights they started from."""

from typing import Final

from tapscope.datasets.annotations import LabelledSet
from tapscope.network import weights
from tapscope.network.registry import Model
from tapscope.training.loop import TrainResult
from tapscope.training.settings import TrainSettings

DEFAULT_CONFIDENCE: Final = (7.5, -8.3, -0.6)
"""Slope, second-peak slope and intercept where there are too few validation keypoints to fit them:
those of the bundled weights, rounded. All networks are trained to the same peak value."""


def make_card(
    result: TrainResult,
    *,
    model: Model,
    settings: TrainSettings,
    training: LabelledSet,
    sources: tuple[weights.Source, ...],
    command: str,
    version: str,
    old: weights.Weights | None = None,
) -> weights.Card:
    """Return the card of a run's weights; `old` are the weights that it started from."""
    slope, second_peak_slope, intercept = _confidence(result, old)
    return weights.Card(
        architecture=model.architecture,
        network=dict(model.arguments),
        input_size_px=settings.size_px,
        keypoints=training.keypoints,
        confidence_slope=slope,
        confidence_second_peak_slope=second_peak_slope,
        confidence_intercept=intercept,
        trained_on=sources,
        command=command,
        seed=settings.seed,
        tapscope_version=version,
        notes=" ".join(_notes(result, old)),
        metrics=validation_metrics(result),
    )


def validation_metrics(result: TrainResult) -> dict[str, float]:
    """Return the figures of the card, by name."""
    metrics = {f"validation_pck@0.1_{name}": share for name, share in result.after.items()}
    metrics["validation_pck@0.05_tips"] = result.tips_pck_005
    metrics["validation_pck@0.1_tips"] = result.tips_pck_01
    return metrics


def _confidence(result: TrainResult, old: weights.Weights | None) -> tuple[float, float, float]:
    """Return the calibration of the run, else of the weights it started from, else the default."""
    if result.confidence is not None:
        slope, second_peak_slope, intercept = map(float, result.confidence)
        return slope, second_peak_slope, intercept
    if old:
        card = old.card
        return card.confidence_slope, card.confidence_second_peak_slope, card.confidence_intercept
    return DEFAULT_CONFIDENCE


def _notes(result: TrainResult, old: weights.Weights | None) -> list[str]:
    """Return notes on the weights that a run started from and on where its calibration is from."""
    notes = []
    if old and result.kept_start:
        notes.append(f"The weights of {old.name}: no epoch of this run was better.")
    elif old:
        notes.append(f"Started from {old.name}.")
    if result.confidence is None:
        whose = "that of the weights it started from" if old else "the default"
        notes.append(
            f"The calibration of the confidence is {whose}: "
            "too few validation keypoints are right, or wrong, to fit it."
        )
    return notes
