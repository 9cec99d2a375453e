"""One-to-one matching of two lists of moments."""

import numpy as np

from tapscope.records import FloatArray


def match(found_s: FloatArray, true_s: FloatArray, tolerance_s: float) -> list[tuple[int, int]]:
    """Pair moments in order, each at most once, as many as the tolerance allows."""
    pairs = []
    one = two = 0
    found_s, true_s = np.sort(found_s), np.sort(true_s)
    while one < len(found_s) and two < len(true_s):
        apart_s = found_s[one] - true_s[two]
        if abs(apart_s) <= tolerance_s:
            pairs.append((one, two))
            one, two = one + 1, two + 1
        elif apart_s < 0:
            one += 1
        else:
            two += 1
    return pairs
