"""What a machine computes with: a GPU or a CPU, and how many cores.

Torch is imported only where a driver for its GPUs is installed, because it takes long to load.
"""

import ctypes
import os
import sys
from typing import Literal

from tapscope.errors import WeightsError


def choose_device(name: str) -> Literal["cpu", "cuda"]:
    """Return the device to use.

    Parameters
    ----------
    name
        "cpu", "cuda", or "auto": a GPU where there is one.

    Raises
    ------
    WeightsError
        A GPU is asked for and there is none.
    """
    if name == "cpu":
        return "cpu"
    has_gpu = _has_driver() and _torch_sees_gpu()
    if name == "cuda" and not has_gpu:
        raise WeightsError(
            "--device cuda: torch finds no CUDA GPU on this machine; use --device cpu or auto"
        )
    return "cuda" if has_gpu else "cpu"


def _has_driver() -> bool:
    """Return whether the driver's library, which torch needs, can be loaded."""
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True


def _torch_sees_gpu() -> bool:
    import torch  # noqa: PLC0415 - see the module's docstring

    return torch.cuda.is_available()


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
