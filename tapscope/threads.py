"""Threads of the libraries of linear algebra that numpy and scipy bring."""

import os
from typing import Final

_VARIABLES: Final = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""What OpenBLAS, MKL and Accelerate read when they are loaded."""


def one_thread_for_sums() -> None:
    """Let each sum be done by one thread, here if numpy is not loaded yet, and in child processes.

    The matrices of a recording are so small that several threads only wait for each other and take
    the cores from the network. And the last bits of a sum depend on how it is divided: so they do
    not depend on the number of cores. What a user has set stays.
    """
    for name in _VARIABLES:
        os.environ.setdefault(name, "1")
