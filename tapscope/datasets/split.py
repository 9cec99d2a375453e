"""Split labelled images into training, validation and test images."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tapscope.datasets.annotations import LabelledImage, LabelledSet

VALIDATION_SHARE = 0.06
MIN_VALIDATION_IMAGES = 5
"""Of a dataset with five times as many images or more; on fewer images many epochs score alike."""
SPLIT_SEED = 1
"""Fixed, so that no run trains on what another run validates on."""


def held_out(images: LabelledSet) -> tuple[LabelledSet, LabelledSet]:
    """Split as `tapscope train` does, always in the same way; see `split_by_group`.

    Returns
    -------
    training, validation
    """
    return split_by_group(images, validation_share=VALIDATION_SHARE, seed=SPLIT_SEED)


def split_8_1_1(images: LabelledSet, *, seed: int) -> tuple[LabelledSet, LabelledSet, LabelledSet]:
    """Split 8 : 1 : 1 into training, validation and test images, as the P-MSDSNet paper does.

    Each dataset is split by groups if it has ten or more, else by images. Then similar images may
    be in two parts, as in the paper's random split.

    Returns
    -------
    training, validation, test
        In the order of `images`.
    """
    part: dict[Path, int] = {}
    for dataset in sorted({i.dataset for i in images.images}):
        members = [i for i in images.images if i.dataset == dataset]
        groups = sorted({i.group for i in members})
        unit = {i.path: i.group if len(groups) >= 10 else str(i.path) for i in members}
        units = sorted(set(unit.values()))
        order = np.random.default_rng([seed, len(units)]).permutation(len(units))
        number = {units[int(place)]: n for n, place in enumerate(order)}
        ends = (round(0.8 * len(units)), round(0.9 * len(units)))
        for path, name in unit.items():
            part[path] = sum(number[name] >= end for end in ends)
    first, second, third = (
        LabelledSet(tuple(i for i in images.images if part[i.path] == p), images.keypoints)
        for p in range(3)
    )
    return first, second, third


def split_by_group(
    images: LabelledSet, *, validation_share: float, seed: int
) -> tuple[LabelledSet, LabelledSet]:
    """Split into training and validation images so that no group is in both.

    Validation takes random groups of each dataset, up to `validation_share` of its images and at
    least `MIN_VALIDATION_IMAGES`; the smallest group if all are much larger than that. Of a dataset
    with one or two groups, such as frames of one video, it takes the last images instead.

    Returns
    -------
    training, validation
        In the order of `images`; both are the same if there is a single image.
    """
    chosen: set[Path] = set()
    for dataset in sorted({i.dataset for i in images.images}):
        members = [i for i in images.images if i.dataset == dataset]
        least = max(min(MIN_VALIDATION_IMAGES, len(members) // 5), 1)
        wanted = max(round(validation_share * len(members)), least)
        if len({i.group for i in members}) < 3:
            last = members[max(len(members) - wanted, 1) :]
            chosen |= {i.path for i in last}
            continue
        taken = _groups_for(members, wanted, seed)
        chosen |= {i.path for i in members if i.group in taken}
    training = images.where(lambda i: i.path not in chosen)
    validation = images.where(lambda i: i.path in chosen)
    return training, (validation or images)


def _groups_for(members: Sequence[LabelledImage], wanted: int, seed: int) -> set[str]:
    """Draw at least one group, with about `wanted` images in all."""
    size = Counter(i.group for i in members)
    order = np.random.default_rng([seed, len(members)]).permutation(sorted(size)).tolist()
    taken: set[str] = set()
    count = 0
    for group in order:
        if count < wanted and count + size[group] <= 1.5 * wanted:
            taken.add(group)
            count += size[group]
    return taken or {min(order, key=lambda group: size[group])}
