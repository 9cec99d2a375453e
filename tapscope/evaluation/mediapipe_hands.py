"""Decode a video and follow one hand with MediaPipe; print frames and seconds.

    PYTHON mediapipe_hands.py VIDEO

PYTHON is that of an environment with MediaPipe, whose packages would not fit beside tapscope's.
This file therefore imports nothing of tapscope. OpenCV comes with MediaPipe.
"""

import sys
import time

import cv2
import mediapipe  # type: ignore[import-not-found,import-untyped,unused-ignore]


def main(video: str) -> None:
    """Print the number of frames and the seconds that they took, start-up not counted."""
    frames = 0
    with mediapipe.solutions.hands.Hands(static_image_mode=False, max_num_hands=1) as hands:
        file = cv2.VideoCapture(video)
        begin_s = time.perf_counter()
        while True:
            was_read, image = file.read()
            if not was_read:
                break
            hands.process(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
            frames += 1
        print(frames, time.perf_counter() - begin_s)


if __name__ == "__main__":
    main(sys.argv[1])
