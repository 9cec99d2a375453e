"""Scores of networks on labelled images, by set, keypoint, group, luminance and motion blur."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from tapscope.evaluation.predict import HandError
from tapscope.hand import TIPS
from tapscope.records import FloatArray
from tapscope.training.metrics import mpjpe, pck, summary

CURVE_PX: Final = tuple(range(1, 31))
THIRDS: Final = ("lowest third", "middle third", "highest third")


@dataclass(frozen=True, slots=True)
class Scored:
    """Errors of one set of weights on one set of images."""

    network: str
    """Name of the network, shared by its runs with different seeds."""
    seed: int
    weights: str
    dataset: str
    keypoints: tuple[str, ...]
    errors: tuple[HandError, ...]


class Part(NamedTuple):
    """A selection of keypoints and hands."""

    name: str
    keypoints: list[int]
    errors: list[HandError]

    def distances(self) -> tuple[FloatArray, FloatArray]:
        """Return the error and the hand's longer side (NaN unknown) of every labelled keypoint.

        Both are in px.
        """
        pairs = [
            (hand.error_px[keypoint], hand.hand_px)
            for hand in self.errors
            for keypoint in self.keypoints
            if hand.labelled[keypoint]
        ]
        both = np.array(pairs, dtype=float).reshape(-1, 2)
        return both[:, 0], both[:, 1]

    def figures(self) -> dict[str, object]:
        """Return all accuracy figures, see `metrics.summary`."""
        found = np.array([hand.found for hand in self.errors])
        return summary(*self.distances(), found)


def tips_of(scored: Scored) -> Part:
    """Return the part with thumb and index tips."""
    places = [n for n, name in enumerate(scored.keypoints) if name in TIPS]
    return Part("tips", places, list(scored.errors))


def all_of(scored: Scored) -> Part:
    """Return the part with all keypoints."""
    return Part("all keypoints", list(range(len(scored.keypoints))), list(scored.errors))


def parts(scored: Scored) -> Iterator[Part]:
    """Yield the parts that are reported: the tips, all keypoints, each keypoint, groups, thirds."""
    tips = tips_of(scored)
    yield tips
    yield all_of(scored)
    for place, name in enumerate(scored.keypoints):
        yield Part(f"keypoint: {name}", [place], tips.errors)
    for group, errors in by_group(tips.errors).items():
        yield Part(f"group: {group}", tips.keypoints, errors)
    measures: list[tuple[str, Callable[[HandError], float]]] = [
        ("skin luminance", lambda hand: hand.luminance),
        ("smear at the tips", lambda hand: hand.smear),
    ]
    for what, measure in measures:
        for third, errors in zip(THIRDS, in_thirds(tips.errors, measure), strict=True):
            if errors:
                yield Part(f"{what}: {third}", tips.keypoints, errors)


def by_group(errors: Iterable[HandError]) -> dict[str, list[HandError]]:
    """Return the hands by group."""
    groups: dict[str, list[HandError]] = {}
    for hand in errors:
        groups.setdefault(hand.group, []).append(hand)
    return dict(sorted(groups.items()))


def in_thirds(
    errors: Sequence[HandError], measure: Callable[[HandError], float]
) -> list[list[HandError]]:
    """Divide hands into thirds of a measure; hands where it is NaN are left out."""
    known = [hand for hand in errors if np.isfinite(measure(hand))]
    order = sorted(range(len(known)), key=lambda n: measure(known[n]))
    return [[known[n] for n in piece] for piece in np.array_split(np.array(order, dtype=int), 3)]


def score_rows(every: Sequence[Scored]) -> list[dict[str, str | int | float | None]]:
    """Return one row per weights, set of images and part."""
    rows = []
    for scored in every:
        for part in parts(scored):
            row: dict[str, str | int | float | None] = {
                "network": scored.network,
                "seed": scored.seed,
                "weights": scored.weights,
                "set": scored.dataset,
                "part": part.name,
            }
            for name, value in part.figures().items():
                if isinstance(value, Mapping):  # MPJPE: an error and how many are under it
                    row |= {f"{name}_px": value["error_px"], f"{name}_n": value["count"]}
                else:
                    assert value is None or isinstance(value, int | float)
                    row[name] = value
            rows.append(row)
    return rows


def figures_of(scored: Scored) -> dict[str, object]:
    """Return the figures of `tapscope evaluate --json`.

    Returns
    -------
    dict
        Those of thumb and index tips at the top level, those of all keypoints under
        "all_keypoints", those of the tips by group under "groups".
    """
    tips = tips_of(scored)
    row = tips.figures()
    row["all_keypoints"] = all_of(scored).figures()
    row["groups"] = {
        group: Part(group, tips.keypoints, errors).figures()
        for group, errors in by_group(tips.errors).items()
    }
    return row


class Spread(NamedTuple):
    """Mean over the seeds and standard deviation (n - 1; NaN with one seed)."""

    mean: float
    sd: float

    @staticmethod
    def of(values: Sequence[float]) -> "Spread":
        """Return mean and standard deviation of values."""
        sd = float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")
        return Spread(float(np.mean(values)), sd)

    def text(self, factor: float = 100.0, decimals: int = 1) -> str:
        """Return 'mean ± SD' in percent by default; only the mean without SD; '-' where NaN."""
        if not np.isfinite(self.mean):
            return "-"
        mean = f"{self.mean * factor:.{decimals}f}"
        return f"{mean} ± {self.sd * factor:.{decimals}f}" if np.isfinite(self.sd) else mean


@dataclass(frozen=True, slots=True)
class Summary:
    """One network on one set of images, over its seeds; the tips where they are labelled."""

    network: str
    dataset: str
    seeds: tuple[int, ...]
    pck: dict[int, Spread]
    """PCK for each threshold of `CURVE_PX`."""
    mpjpe: dict[int, tuple[Spread, Spread]]
    """Mean error of the keypoints within 5, 10 and 20 px, and their number."""
    found: Spread


def summaries(every: Sequence[Scored]) -> list[Summary]:
    """Summarise the seeds of each network on each set, sorted by set, then as given."""
    together: dict[tuple[str, str], list[Scored]] = {}
    for scored in every:
        together.setdefault((scored.dataset, scored.network), []).append(scored)
    return [
        _summary(network, dataset, runs)
        for (dataset, network), runs in sorted(together.items(), key=lambda item: item[0][0])
    ]


def _summary(network: str, dataset: str, runs: Sequence[Scored]) -> Summary:
    chosen = [tips_of(run) for run in runs]
    chosen = [
        part if part.keypoints else all_of(run) for part, run in zip(chosen, runs, strict=True)
    ]
    errors = [part.distances()[0] for part in chosen]
    near = {t: [mpjpe(error, t) for error in errors] for t in (5, 10, 20)}
    return Summary(
        network,
        dataset,
        tuple(run.seed for run in runs),
        {t: Spread.of([pck(error, t) for error in errors]) for t in CURVE_PX},
        {
            t: (Spread.of([e for e, _ in pairs]), Spread.of([n for _, n in pairs]))
            for t, pairs in near.items()
        },
        Spread.of([float(np.mean([hand.found for hand in run.errors])) for run in runs]),
    )
