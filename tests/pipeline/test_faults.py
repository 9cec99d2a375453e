"""Tests of runs that are stopped or lose their disk: nothing is lost, and the next run goes on.

`python -m tests.bench.faults` does the same at length, with a decoder that hangs and random kills.
"""

from pathlib import Path

import pytest

from tests.bench import faults
from tests.bench.faults import Study


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return faults.prepared(tmp_path_factory.mktemp("faults"), 6, None)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "disk" / "features.csv"


needs_disk = pytest.mark.skipif(
    not faults.can_mount(), reason="only root can mount a file system in memory"
)


def test_ctrl_c_keeps_what_is_complete_and_says_how_to_go_on(study: Study, out: Path) -> None:
    faults.interrupted(study, out)


def test_a_killed_worker_costs_nothing(study: Study, out: Path) -> None:
    faults.killed_worker(study, out)


@needs_disk
def test_a_full_disk_loses_nothing(study: Study, out: Path) -> None:
    faults.full_disk(study, out)


@needs_disk
def test_a_read_only_disk_loses_nothing(study: Study, out: Path) -> None:
    faults.read_only(study, out)
