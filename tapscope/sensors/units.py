"""Units as sensor files spell them, and their factor to SI. Other units are refused."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tapscope.errors import SensorError

STANDARD_GRAVITY_M_S2: Final = 9.80665
_DEGREE: Final = math.pi / 180.0

_FACTORS: Final[Mapping[str, Mapping[str, float]]] = {
    "gyro": {
        "rad/s": 1.0,
        "rads^-1": 1.0,
        "radian/s": 1.0,
        "radians/s": 1.0,
        "deg/s": _DEGREE,
        "°/s": _DEGREE,
        "degree/s": _DEGREE,
        "degrees/s": _DEGREE,
        "dps": _DEGREE,
        "mdps": _DEGREE / 1000.0,
    },
    "acc": {
        "m/s^2": 1.0,
        "m/s**2": 1.0,
        "m/s2": 1.0,
        "m/(s^2)": 1.0,
        "m/(sec^2)": 1.0,
        "m/sec^2": 1.0,
        "ms^-2": 1.0,
        "g": STANDARD_GRAVITY_M_S2,
        "mg": STANDARD_GRAVITY_M_S2 / 1000.0,
    },
    "pos": {"m": 1.0, "dm": 0.1, "cm": 0.01, "mm": 0.001, "um": 1e-6},
    "time": {"s": 1.0, "sec": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9},
}

# Other spellings of the same sign.
_SPELLINGS: Final = (
    ("²", "^2"),
    ("⁻¹", "^-1"),
    ("⁻^2", "^-2"),
    ("µ", "u"),
    ("μ", "u"),
    ("º", "°"),
    ("·", ""),
    (" ", ""),
    ("/sec", "/s"),
    ("second", "s"),
)


def si_factor(kind: str, unit: str, path: Path, what: str) -> float:
    """Return the factor that turns `unit` into SI for this kind of quantity.

    Parameters
    ----------
    kind
        'gyro', 'acc', 'pos' or 'time'.
    unit
        As the file spells it ('deg/s', 'm/s²', 'mm' ...).
    path, what
        The file and the column, for the message.

    Raises
    ------
    SensorError
        The unit is empty or not a known one of this kind.
    """
    spelt = unit.strip().lower()
    for found, canonical in _SPELLINGS:
        spelt = spelt.replace(found, canonical)
    known = _FACTORS[kind]
    if spelt not in known:
        stated = f"its unit is {unit!r}" if unit.strip() else "no unit is stated"
        raise SensorError(
            f"{path}: {what}: {stated}, which is not a unit of {kind} known here; expected one of "
            f"{', '.join(known)}. State the true unit in the file or in its JSON sidecar "
            f'("Units": {{"{kind}": ...}}); units are never guessed'
        )
    return known[spelt]
