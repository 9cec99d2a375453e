"""No verb asks the network for anything, nor do the libraries beneath it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tapscope.network import weights
from tests.filmed_study import filmed_study
from tests.hands import labelled_folder, tiny_card, tiny_weights
from tests.paired_study import made_up
from tests.tapping import write_clip

FORBIDS = """
import os, socket

def _refuse(*arguments, **options):
    with open(os.environ["SOCKETS_OPENED"], "a") as log:
        log.write(repr(arguments[1:]) + "\\n")
    raise OSError("this test forbids sockets")

def _within_the_machine(allowed):
    # torch hands batches over through sockets of the file system
    def checked(self, *arguments):
        return (allowed if self.family == socket.AF_UNIX else _refuse)(self, *arguments)
    return checked

for _name in ("connect", "connect_ex", "bind"):
    setattr(socket.socket, _name, _within_the_machine(getattr(socket.socket, _name)))
socket.getaddrinfo = socket.create_connection = _refuse
"""
"""Python runs it at the start of every process, the workers included."""


def _weights(folder: Path) -> Path:
    path = folder / "tiny.safetensors"
    weights.write(path, tiny_weights().network, tiny_card())
    return path


def _analyze(folder: Path) -> list[str | Path]:
    write_clip(folder / "videos" / "a.mp4")
    return ["analyze", folder / "videos", "--out", folder / "f.csv", "--weights", _weights(folder)]


def _compare(folder: Path) -> list[str | Path]:
    made_up(folder)
    return ["compare", "--features", folder / "features.csv", "--sensor", folder / "logs",
            "--out", folder / "out"]  # fmt: skip


def _train(folder: Path) -> list[str | Path]:
    data = labelled_folder(folder / "labels", count=8)
    return ["train", "--data", data, "--init", _weights(folder), "--out", folder / "o.safetensors",
            "--epochs", "1", "--size", "64", "--batch", "4"]  # fmt: skip


def _evaluate(folder: Path) -> list[str | Path]:
    data = labelled_folder(folder / "labels", count=8)
    return ["evaluate", "--data", data, "--weights", _weights(folder)]


def _overlay(folder: Path) -> list[str | Path]:
    return ["overlay", folder / "videos", "--results", filmed_study(folder)]


def _report(folder: Path) -> list[str | Path]:
    return ["report", filmed_study(folder)]


@pytest.mark.parametrize("prepare", [_analyze, _compare, _train, _evaluate, _overlay, _report])
def test_no_socket_is_opened(tmp_path: Path, prepare: Callable[[Path], list[str | Path]]) -> None:
    arguments = prepare(tmp_path)
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(FORBIDS)
    log = tmp_path / "sockets.log"
    environment = {**os.environ, "PYTHONPATH": str(site), "SOCKETS_OPENED": str(log)}

    def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *map(str, words)], env=environment, cwd=Path(__file__).parents[1],
            capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip

    # the guard itself works
    assert "forbids sockets" in run("-c", "import socket; socket.create_connection(())").stderr
    log.unlink()
    done = run("-m", "tapscope", *arguments)
    assert "Traceback" not in done.stderr
    assert done.returncode in (0, 1), done.stderr  # 1: no hand is found in the clip
    assert not log.exists(), log.read_text()
