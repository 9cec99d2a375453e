"""Frames a second of decoding alone, for each decoder.

    python -m tests.bench.decoding VIDEO [VIDEO ...]

Wall time says what a pipeline waits for when nothing else runs; CPU time says what decoding takes
away from the network that runs beside it.
"""

import sys
import time
from pathlib import Path
from typing import Final, get_args

from tapscope.errors import VideoError
from tapscope.video.decoders import Decoder
from tapscope.video.stream import VideoStream

REPEATS: Final = 3


def measure(path: Path, decoder: Decoder) -> tuple[float, float, str]:
    """Return frames per second of wall time, CPU milliseconds per frame, and the decoder that ran.

    The best of three runs: other work on the machine only ever slows a run down.
    """
    rates, costs_ms, used = [], [], ""
    for _ in range(REPEATS):
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        with VideoStream(path, decoder=decoder) as stream:
            for _ in stream:
                pass
        wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
        frames, used = stream.summary.decoded_frames, stream.summary.decoder
        rates.append(frames / wall_s)
        costs_ms.append(1000 * cpu_s / frames)
    return max(rates), min(costs_ms), used


def main(paths: list[Path]) -> int:
    """Print one line for each video and decoder; return the exit code."""
    if not paths:
        print(__doc__)
        return 2
    failed = False
    print(f"{'frames/s':>9} {'CPU ms/frame':>13}  decoder (asked for: used)  video")
    for path in paths:
        for decoder in get_args(Decoder):
            try:
                rate, cost_ms, used = measure(path, decoder)
            except VideoError as error:
                failed = True
                print(f"{'-':>9} {'-':>13}  {decoder}: {error}")
                continue
            print(f"{rate:9.0f} {cost_ms:13.2f}  {decoder}: {used}  {path.name}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main([Path(argument) for argument in sys.argv[1:]]))
