"""Run a reader of compiled code in a process of its own.

A damaged file can crash such code, or keep it in an endless loop. In a process of its own that
costs seconds and one file, not the batch.
"""

import io
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tapscope.errors import SensorError
from tapscope.sensors.file_head import Head

_SECONDS: Final = 30.0
_SECONDS_PER_MB: Final = 1.0


def read_in_child(
    script: Path, head: Head, file_type: str, arguments: Sequence[str] = ()
) -> Mapping[str, NDArray[Any]]:
    """Return the arrays that a script writes to its standard output as .npz.

    Parameters
    ----------
    script
        Is called with the path of the file and `arguments`.
    file_type
        For messages, such as 'C3D'.

    Raises
    ------
    SensorError
        The script fails, crashes or takes too long.
    """
    limit_s = _SECONDS + _SECONDS_PER_MB * head.size / 1e6
    try:
        # -P keeps the modules beside the script from hiding those that numpy imports.
        done = subprocess.run(
            [sys.executable, "-P", str(script), str(head.path), *arguments],
            capture_output=True,
            timeout=limit_s,
            check=True,
        )
        with np.load(io.BytesIO(done.stdout), allow_pickle=False) as parts:
            return dict(parts)
    except subprocess.TimeoutExpired as error:
        raise SensorError(
            f"{head.path}: not read within {limit_s:.0f} s; the {file_type} file is damaged"
        ) from error
    except subprocess.CalledProcessError as error:
        cause = error.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise SensorError(
            f"{head.path}: damaged {file_type} file: {cause[0] if cause else 'the reader crashed'}"
        ) from error
    except (OSError, ValueError) as error:
        raise SensorError(f"{head.path}: damaged {file_type} file: {error}") from error
