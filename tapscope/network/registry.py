"""The networks that can be trained, by name."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from tapscope.errors import WeightsError
from tapscope.network.baselines import MSBFCN, YOLSE, HigherHRNet, StackedHourglass, UNet
from tapscope.network.pmsdsnet import DEFAULT_WIDTHS, HeatmapNetwork, PMSDSNet

ARCHITECTURES: Final[Mapping[str, Callable[..., HeatmapNetwork]]] = {
    "p-msdsnet": PMSDSNet,
    "hourglass": StackedHourglass,
    "u-net": UNet,
    "higherhrnet": HigherHRNet,
    "yolse": YOLSE,
    "msb-fcn": MSBFCN,
}
"""Architectures by the name that a weights card holds."""


class Model(NamedTuple):
    """An architecture and its arguments, except the number of keypoints."""

    architecture: str
    arguments: Mapping[str, Any]


DEFAULT_MODEL: Final = "p-msdsnet-3"
MODELS: Final[Mapping[str, Model]] = {
    DEFAULT_MODEL: Model("p-msdsnet", {"stages": 3, "widths": list(DEFAULT_WIDTHS)}),
    "p-msdsnet-6": Model("p-msdsnet", {"stages": 6, "widths": list(DEFAULT_WIDTHS)}),
    **{name: Model(name, {}) for name in ARCHITECTURES if name != "p-msdsnet"},
}
"""What `tapscope train --model` takes."""


def model_named(name: str) -> Model:
    """Return one of `MODELS`.

    Raises
    ------
    WeightsError
        There is none of this name.
    """
    if name not in MODELS:
        raise WeightsError(f"there is no network {name!r}; take one of {', '.join(MODELS)}")
    return MODELS[name]


def build(architecture: str, arguments: Mapping[str, Any]) -> HeatmapNetwork:
    """Return a network with random initial weights.

    Raises
    ------
    ValueError
        There is no such architecture, or an argument has a wrong value.
    TypeError
        The architecture has no such argument.
    """
    if architecture not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise ValueError(f"architecture {architecture!r} is none of {known}")
    return ARCHITECTURES[architecture](**arguments)
