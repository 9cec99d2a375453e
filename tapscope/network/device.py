"""The choice between GPU and CPU, for inference and for training."""

from typing import Literal

import torch

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
    has_gpu = torch.cuda.is_available()
    if name == "cuda" and not has_gpu:
        raise WeightsError(
            "--device cuda: torch finds no CUDA GPU on this machine; use --device cpu or auto"
        )
    return "cuda" if has_gpu and name != "cpu" else "cpu"
