"""Sums are done by one thread, so that their last bits do not depend on the machine."""

import os
import subprocess
import sys

import pytest

from tapscope.pipeline import workers
from tapscope.threads import one_thread_for_sums
from tests.pipeline.test_workers import outcomes

VARIABLE = "OPENBLAS_NUM_THREADS"


def test_what_a_user_has_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "3")
    one_thread_for_sums()
    assert os.environ[VARIABLE] == "3"


def tell() -> workers.Work[int, str]:
    return lambda task, report: os.environ[VARIABLE]


def test_workers_use_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE)
    assert outcomes(list(workers.run(tell, [0]))) == {0: "1"}


def test_the_tests_were_in_time_for_numpy() -> None:
    code = "import tests.conftest, sys; assert 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
