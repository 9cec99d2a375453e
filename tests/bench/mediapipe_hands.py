"""Frames a second of MediaPipe Hands in tracking mode, decoding included; prints one number.

    PYTHON tests/bench/mediapipe_hands.py VIDEO

A file of its own, for mediapipe 0.10.14 wants older packages than tapscope: PYTHON is that of an
environment with mediapipe==0.10.14 and av.
"""

import sys
import time

import av
import mediapipe  # type: ignore[import-not-found,import-untyped,unused-ignore]


def main() -> None:
    frames = 0
    with (
        mediapipe.solutions.hands.Hands(static_image_mode=False, max_num_hands=1) as hands,
        av.open(sys.argv[1]) as file,
    ):
        begun_s = time.perf_counter()
        for frame in file.decode(video=0):
            hands.process(frame.to_ndarray(format="rgb24"))
            frames += 1
        print(frames / (time.perf_counter() - begun_s))


if __name__ == "__main__":
    main()
