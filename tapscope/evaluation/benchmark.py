"""Train and evaluate a table of networks, each with several seeds: `tapscope benchmark-networks`.

A TOML file lists the networks, the image folders and the length of training. Completed runs with
the same settings and labels are skipped; an interrupted one resumes from its last epoch.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from tapscope.errors import AnnotationError
from tapscope.evaluation.evaluate import evaluate_weights, load_sets, parameters_of
from tapscope.evaluation.output import write_scores
from tapscope.evaluation.scores import Scored
from tapscope.files import sha256_of
from tapscope.network.engine import Engine
from tapscope.network.registry import DEFAULT_MODEL, Model, model_named
from tapscope.network.weights import read
from tapscope.protocol.toml_record import TomlFile
from tapscope.training import checkpoint
from tapscope.training.run import train_weights
from tapscope.training.settings import TrainSettings


@dataclass(frozen=True, slots=True)
class Entry:
    """One network of the table."""

    name: str
    """Its name in the table."""
    model: str = DEFAULT_MODEL
    """One of `registry.MODELS`."""
    arguments: dict[str, object] = field(default_factory=dict)
    """Arguments of the architecture that differ from those of the model."""
    alpha: float = TrainSettings().alpha
    """Weight of the deep supervision."""


@dataclass(frozen=True, slots=True)
class NetworkTable:
    """The TOML file: networks, and images to train and to evaluate on."""

    train: tuple[str, ...]
    """Folders of labelled images, within the data folder; images marked as test are left out."""
    test: tuple[str, ...]
    """Folders of labelled images to evaluate on, within the data folder."""
    network: tuple[Entry, ...]
    epochs: int
    size_px: int
    """Side of the crops, in training and in evaluation."""
    seeds: tuple[int, ...] = (1, 2, 3)
    test_split: str = "test"
    """Only images of this split are used for evaluation."""
    keypoints: tuple[str, ...] = ()
    """Keypoints to learn and to evaluate; all by default."""
    rate: float = 1.0
    """Factor on the learning rates."""


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """One network with one seed."""

    entry: Entry
    seed: int
    out: Path


LEFT_OUT = ("network", "seeds", "test", "test_split")
"""Fields that do not change a run's weights, or are hashed or named apart."""
Report = Callable[[TrainingRun, str], None]


def load_table(path: Path) -> NetworkTable:
    """Read the TOML file of a table.

    Raises
    ------
    AnnotationError
        The file cannot be read or is inconsistent.
    WeightsError
        It names an unknown network.
    """
    file = TomlFile(path, AnnotationError)
    table = file.read(NetworkTable)
    names = [entry.name for entry in table.network]
    if not names or len(set(map(_slug, names))) < len(names):
        raise file.fail("network", names, "at least one, each with a name of its own")
    if not table.seeds or len(set(table.seeds)) < len(table.seeds):
        raise file.fail("seeds", table.seeds, "at least one, each once")
    if table.epochs < 1:
        raise file.fail("epochs", table.epochs, "at least 1")
    for entry in table.network:
        model_named(entry.model)
    return table


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def runs_of(table: NetworkTable, data: Path, out: Path) -> Iterator[TrainingRun]:
    """Return the runs: every network with the first seed, then with the second, and so on.

    The file name of a run's weights holds a hash of its settings and labels, so that weights of
    other settings are never taken for those of the run.
    """
    labels = [sha256_of(data / name / "annotations.json") for name in table.train]
    common = {k: v for k, v in asdict(table).items() if k not in LEFT_OUT}
    for seed in table.seeds:
        for entry in table.network:
            settings = asdict(_settings(table, entry, seed))
            content = json.dumps([asdict(entry), common, settings, labels], sort_keys=True)
            digest = hashlib.sha256(content.encode()).hexdigest()[:8]
            yield TrainingRun(entry, seed, out / f"{_slug(entry.name)}-{digest}-{seed}.safetensors")


def _settings(table: NetworkTable, entry: Entry, seed: int) -> TrainSettings:
    return TrainSettings(
        epochs=table.epochs,
        seed=seed,
        alpha=entry.alpha,
        small_crop_share=0.0,  # two thirds of the side do not suit every network
        keep="last",  # so that all have the same number of steps
    )


def benchmark_networks(
    table: NetworkTable,
    data: Path,
    out: Path,
    *,
    finder: Engine,
    device: str = "auto",
    compiled: bool = False,
    command: str = "",
    report: Report = lambda run, what: None,
    on_step: Callable[[int, int, float], None] = lambda step, steps, loss: None,
    on_image: Callable[[int, int], None] = lambda done, total: None,
) -> list[Scored]:
    """Train the runs that are not completed yet, evaluate all, and write their scores.

    Parameters
    ----------
    table
        Networks and images.
    data
        The folder that holds the table's image folders.
    out
        Folder for the files of `output.write_scores`; weights are written to `out/weights`.
    finder
        Detects the hands in the test images, the same ones for all networks.
    device, compiled, command
        See `run.train_weights` and `TrainSettings`.
    report, on_step, on_image
        Called for progress.

    Raises
    ------
    AnnotationError, WeightsError
        Images or settings cannot be used.
    """
    sets = load_sets(
        [data / name for name in table.test],
        split=table.test_split or None,
        keypoints=table.keypoints,
    )
    for name in table.train:
        if not (data / name / "annotations.json").is_file():
            raise AnnotationError(f"{data / name}: no annotations.json in it")
    runs = list(runs_of(table, data, out / "weights"))
    for run in runs:
        if run.out.is_file() and run.out.with_suffix(".toml").is_file():
            report(run, "trained before")
            continue
        report(run, "training")
        _train(run, table, data, device=device, compiled=compiled, command=command,
               on_step=on_step)  # fmt: skip
        checkpoint.path_of(run.out).unlink()
    every = [read(run.out) for run in runs]
    names = [run.entry.name for run in runs]
    scored = evaluate_weights(
        every, sets, names=names, finder=finder, device=device, size_px=table.size_px,
        on_image=on_image,
    )  # fmt: skip
    order = [entry.name for entry in table.network]
    scored.sort(key=lambda one: order.index(one.network))
    write_scores(out, scored, parameters_of(every, names))
    return scored


def _train(
    run: TrainingRun,
    table: NetworkTable,
    data: Path,
    *,
    device: str,
    compiled: bool,
    command: str,
    on_step: Callable[[int, int, float], None],
) -> None:
    model = model_named(run.entry.model)
    train_weights(
        [data / name for name in table.train],
        run.out,
        replace(_settings(table, run.entry, run.seed), compiled=compiled),
        model=Model(model.architecture, {**model.arguments, **run.entry.arguments}),
        keypoints=table.keypoints,
        size_px=table.size_px,
        lr_scale=table.rate,
        device=device,
        resume=checkpoint.path_of(run.out).is_file(),
        command=command,
        on_step=on_step,
    )
