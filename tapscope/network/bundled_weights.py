"""The weights that come with tapscope, found by name; torch is not imported here.

The process that only gives out the work of a batch needs the file, not the network.
"""

from pathlib import Path
from typing import Final

from tapscope.errors import WeightsError
from tapscope.files import bundled_folder

DEFAULT_WEIGHTS: Final = "pmsdsnet-m3-80.safetensors"


def find_weights(path: Path | None) -> Path:
    """Return the weights file given, or one that comes with tapscope.

    Parameters
    ----------
    path
        A file, the bare name of weights that come with tapscope ("pmsdsnet-m3"), or "default" or
        None for the default ones.

    Raises
    ------
    WeightsError
        It is not there.
    """
    folder = bundled_folder("weights")
    if path is None:
        path = folder / DEFAULT_WEIGHTS
    if path.is_file():
        return path
    if str(path) == "default":
        return folder / DEFAULT_WEIGHTS
    bundled = {file.stem: file for file in sorted(folder.glob("*.safetensors"))}
    if str(path) in bundled:
        return bundled[str(path)]
    raise WeightsError(
        f"{path}: there is no such weights file; give another, or the name of bundled ones: "
        f"{', '.join(bundled)}"
    )
