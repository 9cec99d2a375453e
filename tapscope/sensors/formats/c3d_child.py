"""Script run by the C3D reader in a process of its own: markers of argv[1] as .npz on stdout."""

import io
import sys

import ezc3d
import numpy as np


def main() -> None:
    """Read the markers of the C3D file named on the command line."""
    content = ezc3d.c3d(sys.argv[1])
    point = content["parameters"]["POINT"]
    xyz = np.asarray(content["data"]["points"], dtype=np.float32)[:3]
    packed = io.BytesIO()
    np.savez(
        packed,
        points=xyz.transpose(1, 2, 0),  # (markers, frames, 3)
        labels=np.array(point["LABELS"]["value"], dtype=np.str_),
        units=np.array(point["UNITS"]["value"] if "UNITS" in point else [], dtype=np.str_),
        rate=float(point["RATE"]["value"][0]),
    )
    sys.stdout.buffer.write(packed.getvalue())


if __name__ == "__main__":
    main()
