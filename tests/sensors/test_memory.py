"""A long log is streamed: memory follows the columns kept."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("resource", reason="peak memory is measured as Unix does")


def test_memory_is_of_the_order_of_the_log() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.sensor_memory", "80"],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.search(r"file (\d+) MB, \d+ samples, memory grew by (\d+) MB", done.stdout)
    assert found is not None
    # Twelve float32 and a time a row are half of its text; a chunk of rows comes on top. All cells
    # at once, as text or as objects, would be several times the file.
    assert int(found[2]) < 1.2 * int(found[1])
