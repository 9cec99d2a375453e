"""How many recordings are analysed at once, unless somebody says."""

from types import SimpleNamespace

import pytest

from tapscope.pipeline import analyze
from tapscope.pipeline.analyze import usual_jobs


@pytest.mark.parametrize(
    ("recordings", "machine", "device", "jobs"),
    [
        (100, (8, 64), "cpu", 8),
        (3, (8, 64), "cpu", 3),
        (100, (8, 4), "cpu", 3),
        (100, (8, 0.5), "cpu", 1),
        (1, (1, 64), "auto", 1),
        (100, (8, 64), "cuda", 1),
    ],
)
def test_one_recording_a_core_as_far_as_there_is_memory(
    monkeypatch: pytest.MonkeyPatch,
    recordings: int,
    machine: tuple[int, float],
    device: str,
    jobs: int,
) -> None:
    cores, gigabytes = machine
    memory = SimpleNamespace(available=int(gigabytes * 2**30))
    monkeypatch.setattr(analyze.psutil, "virtual_memory", lambda: memory)
    monkeypatch.setattr(analyze, "cores", lambda: cores)
    monkeypatch.setattr(analyze, "choose_device", lambda name: "cuda" if name == "cuda" else "cpu")
    assert usual_jobs(recordings, device) == jobs
