"""A table of networks: settings are checked, runs are kept, told apart, and gone on with."""

import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tapscope.errors import AnnotationError, WeightsError
from tapscope.evaluation import benchmark
from tapscope.evaluation.benchmark import (
    Entry,
    NetworkTable,
    TrainingRun,
    benchmark_networks,
    load_table,
    runs_of,
)
from tapscope.training import checkpoint
from tapscope.training.settings import TrainSettings
from tests.hands import DotEngine, labelled_folder

SMALL = {"widths": [4, 4, 4]}
TABLE = NetworkTable(
    train=("hands",),
    test=("hands",),
    network=(
        Entry("One stage", arguments={"stages": 1, **SMALL}),
        Entry("One stage, down", arguments={"stages": 1, "fusion": "down", **SMALL}, alpha=0.1),
    ),
    epochs=1,
    size_px=32,
    seeds=(1, 2),
    keypoints=("thumb_tip", "index_tip"),
)


def test_table_is_made_once_and_only_once(tmp_path: Path) -> None:
    labelled_folder(tmp_path / "hands")
    told: list[tuple[str, int, str]] = []

    def report(run: TrainingRun, what: str) -> None:
        told.append((run.entry.name, run.seed, what))

    def make(out: Path) -> list[str]:
        told.clear()
        scored = benchmark_networks(TABLE, tmp_path, out, finder=DotEngine(), report=report)
        return [f"{one.network} {one.seed}" for one in scored]

    rows = make(tmp_path / "out")
    assert rows == ["One stage 1", "One stage 2", "One stage, down 1", "One stage, down 2"]
    assert [what for *_, what in told] == ["training"] * 4
    assert [seed for _, seed, _ in told] == [1, 1, 2, 2]
    table = (tmp_path / "out" / "table.md").read_bytes()
    (tmp_path / "out" / "table.md").unlink()
    make(tmp_path / "out")
    assert [what for *_, what in told] == ["trained before"] * 4
    assert (tmp_path / "out" / "table.md").read_bytes() == table
    next((tmp_path / "out" / "weights").glob("one-stage-down-*-2.safetensors")).unlink()
    make(tmp_path / "out")
    assert [what for *_, what in told] == ["trained before"] * 3 + ["training"]
    assert (tmp_path / "out" / "table.md").read_bytes() == table
    assert not list((tmp_path / "out" / "weights").glob("*.checkpoint.safetensors"))


def test_interrupted_run_goes_on(tmp_path: Path) -> None:
    labelled_folder(tmp_path / "hands")
    table = replace(TABLE, network=TABLE.network[:1], seeds=(1,), epochs=2)
    whole = benchmark_networks(table, tmp_path, tmp_path / "whole", finder=DotEngine())
    (run,) = runs_of(table, tmp_path, tmp_path / "cut" / "weights")
    steps: list[int] = []

    def stop(step: int, total: int, loss: float) -> None:
        steps.append(step)
        if step == total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        benchmark_networks(table, tmp_path, tmp_path / "cut", finder=DotEngine(), on_step=stop)
    assert checkpoint.path_of(run.out).is_file()
    total = steps[-1]
    steps.clear()
    again = benchmark_networks(
        table, tmp_path, tmp_path / "cut", finder=DotEngine(),
        on_step=lambda step, total, loss: steps.append(step),
    )  # fmt: skip
    assert steps[0] == total // 2 + 1
    assert [one.weights for one in again] == [one.weights for one in whole]


def test_other_settings_or_labels_are_other_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labelled_folder(tmp_path / "hands")
    first = [run.out for run in runs_of(TABLE, tmp_path, tmp_path)]
    assert len(set(first)) == 4
    assert [r.out for r in runs_of(replace(TABLE, test_split=""), tmp_path, tmp_path)] == first
    longer = [run.out for run in runs_of(replace(TABLE, epochs=2), tmp_path, tmp_path)]
    assert not set(first) & set(longer)
    with monkeypatch.context() as other_version:
        other_version.setattr(benchmark, "TrainSettings", partial(TrainSettings, weight_decay=0.5))
        assert not set(first) & {run.out for run in runs_of(TABLE, tmp_path, tmp_path)}
    shutil.rmtree(tmp_path / "hands")
    labelled_folder(tmp_path / "hands", count=8)
    assert not set(first) & {run.out for run in runs_of(TABLE, tmp_path, tmp_path)}


GOOD = """
train = ["ti1k"]
test = ["ti1k"]
epochs = 3
size_px = 64
[[network]]
name = "P-MSDSNet-3"
[[network]]
name = "up only"
arguments = {fusion = "up"}
alpha = 0.1
"""


def test_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "table.toml"
    file.write_text(GOOD)
    table = load_table(file)
    assert table.network[1] == Entry("up only", arguments={"fusion": "up"}, alpha=0.1)
    assert table.seeds == (1, 2, 3)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("epochs = 3", "epochs = 0", "epochs: found 0, expected at least 1"),
        ("epochs = 3", "", "epochs: found None, expected this key"),
        ('"up only"', '"P MSDSNet 3"', "each with a name of its own"),
        ("size_px = 64", 'size_px = "64"', "size_px: found '64', expected a whole number"),
        ("epochs = 3", "epochs = 3\nseeds = [1, 1]", "seeds: found"),
        ("alpha = 0.1", "beta = 0.1", "beta"),
        ("epochs = 3", "epochs", "no valid TOML"),
    ],
)
def test_bad_files_are_refused(tmp_path: Path, old: str, new: str, says: str) -> None:
    file = tmp_path / "table.toml"
    file.write_text(GOOD.replace(old, new))
    with pytest.raises(AnnotationError, match="table.toml.*" + says):
        load_table(file)
    file.write_text(GOOD.replace("alpha = 0.1", 'model = "x-net"'))
    with pytest.raises(WeightsError, match="x-net"):
        load_table(file)


def test_missing_images_and_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match=r"none.toml: cannot be read"):
        load_table(tmp_path / "none.toml")
    labelled_folder(tmp_path / "other")
    table = replace(TABLE, test=("other",))
    with pytest.raises(AnnotationError, match="hands: no annotations"):
        benchmark_networks(table, tmp_path, tmp_path / "out", finder=DotEngine())
