"""Where the protocols and weights lie that come with tapscope."""

from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).resolve().parent


def protocols_folder() -> Path:
    """Return the folder of the protocols that come with tapscope."""
    return _folder("protocols")


def weights_folder() -> Path:
    """Return the folder of the weights that come with tapscope."""
    return _folder("weights")


def _folder(name: str) -> Path:
    """Return the folder within the installed package, or at the top of a source checkout.

    Raises
    ------
    FileNotFoundError
        If neither exists: the installation is damaged.
    """
    places = (_PACKAGE / "bundled" / name, _PACKAGE.parent / name)
    for place in places:
        if place.is_dir():
            return place
    raise FileNotFoundError(
        f"tapscope's own {name} are missing: looked in {places[0]} and {places[1]}; "
        "install tapscope again"
    )
