"""Fixtures shared by all tests."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tapscope.threads import one_thread_for_sums

one_thread_for_sums()  # before numpy is loaded

settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],  # a busy machine is no fault of a test
)
settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def _no_handler_is_left() -> Iterator[None]:
    """Take away the handler for ended children that torch's loader leaves in this process.

    With it, a whole run of the tests broke off when a later test waited for a child.
    """
    yield
    if hasattr(signal, "SIGCHLD"):
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of large data beside the checkout; skip where there is none."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("TAPSCOPE_SHARED_DATA", default))
    if not folder.is_dir():
        pytest.skip("needs the shared data folder beside the checkout (TAPSCOPE_SHARED_DATA)")
    return folder
