"""Peak memory of reading one long log: python -m tests.bench.sensor_memory MEGABYTES.

Writes a neutral CSV of that size into a temporary folder, reads it and prints by how much the
resident memory of this process grew at most, beside the size of the file; a log that is too long is
read up to the limit and refused.
"""

import resource
import sys
import tempfile
import time
from pathlib import Path

from tapscope.errors import SensorError
from tapscope.sensors import read

_NAMES = [
    f"{place}_{kind}_{axis}"
    for place in ("thumb", "index")
    for kind in ("gyro", "acc")
    for axis in "xyz"
]
_VALUES = ",".join(f"{0.12345 * (n + 1):.5f}" for n in range(12))


def write_log(path: Path, megabytes: float) -> None:
    """Write a 200 Hz log of about this size with its sidecar."""
    rows = int(megabytes * 1e6 / (len(_VALUES) + 12))
    with path.open("w") as stream:
        stream.write(",".join(["time_s", *_NAMES]) + "\n")
        stream.writelines(f"{n / 200:.3f},{_VALUES}\n" for n in range(rows))
    path.with_suffix(".json").write_text(
        '{"Units": {"gyro": "rad/s", "acc": "m/s^2"}, "GravityRemoved": true}'
    )


def peak_mb() -> float:
    """Return the largest resident size of this process so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def main(megabytes: float) -> None:
    """Print file size, growth of memory and time."""
    with tempfile.TemporaryDirectory() as folder:
        warm, path = Path(folder) / "warm.csv", Path(folder) / "log.csv"
        write_log(warm, 0.5)
        read(warm)  # what importing and a first read take is no matter of size
        write_log(path, megabytes)
        before_mb, begin_s = peak_mb(), time.perf_counter()
        try:
            outcome = f"{len(read(path).signals[0].time_s)} samples"
        except SensorError as refusal:
            outcome = f"refused ({refusal})"
        print(
            f"file {path.stat().st_size / 1e6:.0f} MB, {outcome}, memory grew by "
            f"{peak_mb() - before_mb:.0f} MB, {time.perf_counter() - begin_s:.1f} s"
        )


if __name__ == "__main__":
    main(float(sys.argv[1]))
