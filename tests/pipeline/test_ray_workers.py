"""Tests of work on a Ray cluster: here Ray on this machine, with four workers."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tapscope.cli.console.log import SilentListener
from tapscope.errors import TapscopeError, WeightsError
from tapscope.pipeline import ray_workers
from tapscope.pipeline.analyze import Options, _SameInstallation, analyze_videos
from tapscope.pipeline.batch import BatchResult
from tapscope.pipeline.ray_workers import RayCluster
from tapscope.pipeline.workers import Finished, Lost, Started, WorkerError
from tests.pipeline.test_batch import rows_of, tree
from tests.pipeline.test_workers import follow_orders, never_ready, outcomes
from tests.tapping import SeeDiscs, write_clip


@pytest.mark.parametrize(
    ("text", "address"), [("ray", None), ("ray=auto", "auto"), ("ray=head:6379", "head:6379")]
)
def test_a_cluster_is_read(text: str, address: str | None) -> None:
    assert RayCluster.parse(text) == RayCluster(address)


@pytest.mark.parametrize("text", ["dask", "ray=", "ray=ray://head:10001", "", "=auto"])
def test_no_cluster(text: str) -> None:
    with pytest.raises(ValueError, match="is no cluster; give ray"):
        RayCluster.parse(text)


def test_ray_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_workers, "find_spec", lambda name: None)
    with pytest.raises(TapscopeError, match=r"pip install \"tapscope\[ray\]\""):
        list(ray_workers.run(follow_orders, ["a"], RayCluster()))


def test_another_machine_must_have_the_same_version_and_weights(tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    weights.write_bytes(b"")
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    there = _SameInstallation(SeeDiscs(), weights, empty, "0.0.9")
    with pytest.raises(TapscopeError, match=r"started it is 0\.0\.9; install the same"):
        there()
    with pytest.raises(WeightsError, match="is missing or another file on"):
        replace(there, version=ray_workers_version(), weights_sha256="1")()
    with pytest.raises(WeightsError, match="is missing or another file on"):
        replace(there, version=ray_workers_version(), weights=tmp_path / "none")()
    assert callable(replace(there, version=ray_workers_version())())


def ray_workers_version() -> str:
    from tapscope import __version__  # noqa: PLC0415

    return __version__


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayCluster]:
    """Start Ray with four workers."""
    ray = pytest.importorskip("ray", reason='Ray is an extra: pip install "tapscope[ray]"')
    ray.init(num_cpus=4, num_gpus=0, include_dashboard=False, log_to_driver=False)
    yield RayCluster()
    ray.shutdown()


def test_each_task_is_done_or_lost_once(cluster: RayCluster) -> None:
    orders = ["a", "die", "b", "leave", "sleep", *"cdefgh"]
    events = list(ray_workers.run(follow_orders, orders, cluster, time_limit_s=20))
    assert outcomes(events) == {
        **{n: order for n, order in enumerate(orders) if len(order) == 1},
        1: "crashed",
        3: "crashed",
        4: "time_limit",
    }
    assert sorted(e.index for e in events if isinstance(e, Started)) == list(range(len(orders)))
    details = {e.index: e.detail for e in events if isinstance(e, Lost)}
    assert details[1].startswith("lost by Ray (")
    assert all(e.seconds < 20 for e in events if isinstance(e, Finished))


def test_errors_of_the_whole_run_end_it(cluster: RayCluster) -> None:
    with pytest.raises(WeightsError, match="no weights"):
        list(ray_workers.run(follow_orders, ["a", "refuse"], cluster))
    with pytest.raises(WeightsError, match="not to be had"):
        list(ray_workers.run(never_ready, ["a"], cluster))
    with pytest.raises(WorkerError, match="ZeroDivisionError: by accident"):
        list(ray_workers.run(follow_orders, ["stumble"], cluster))


def test_a_cluster_without_a_gpu_is_refused(cluster: RayCluster) -> None:
    with pytest.raises(TapscopeError, match="the cluster has no GPU"):
        list(ray_workers.run(follow_orders, ["a"], replace(cluster, gpus=1)))


def test_one_worker_killed_gives_the_table_of_a_local_run(
    cluster: RayCluster, tmp_path: Path
) -> None:
    for n, rate_hz in enumerate((2.0, 2.5, 3.0, 3.5)):
        write_clip(tmp_path / "videos" / f"{n}.mp4", rate_hz=rate_hz)
    write_clip(tmp_path / "videos" / "falter.mp4")
    write_clip(tmp_path / "videos" / "stumble.mp4")
    (tmp_path / "videos" / "text.mp4").write_text("no video")
    weights = tmp_path / "weights"
    weights.write_bytes(b"discs")
    log = tmp_path / "log"

    def analyzed(out: Path, prepare: SeeDiscs, where: RayCluster | None) -> BatchResult:
        options = Options([tmp_path / "videos"], out, weights=weights, cluster=where)
        return analyze_videos(options, SilentListener(), ["tests"], prepare)

    local, far = tmp_path / "local" / "features.csv", tmp_path / "ray" / "features.csv"
    analyzed(local, SeeDiscs(), None)
    analyzed(far, SeeDiscs(log), cluster)
    assert log.read_text().split().count("falter") == 2
    assert rows_of(local)["falter"]["status"] == "ok"
    assert far.read_bytes() == local.read_bytes()
    ours, theirs = (tree(out.with_suffix(".tapscope")) for out in (local, far))
    assert {k: v for k, v in ours.items() if "stumble" not in k} == {
        k: v for k, v in theirs.items() if "stumble" not in k
    }  # the trace of the fault names other lines of the program
    assert list(ours) == list(theirs)
