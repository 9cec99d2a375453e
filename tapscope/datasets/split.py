"""Divide labelled images into those to learn from and those to be measured on."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tapscope.datasets.annotations import LabelledImage, LabelledSet

VALIDATION_SHARE = 0.06
MIN_VALIDATION_IMAGES = 5
"""Images, of a dataset that has five times as many: on two nearly every epoch is alike."""
SPLIT_SEED = 1
"""Fixed: what one run is measured on, no later run with another seed may have learned."""


def held_out(images: LabelledSet) -> tuple[LabelledSet, LabelledSet]:
    """Divide as `tapscope train` does, always alike, see `split_by_group`.

    Returns
    -------
    training, validation
    """
    return split_by_group(images, validation_share=VALIDATION_SHARE, seed=SPLIT_SEED)


def split_8_1_1(images: LabelledSet, *, seed: int) -> tuple[LabelledSet, LabelledSet, LabelledSet]:
    """Divide 8 : 1 : 1 into training, validation and test, as the P-MSDSNet paper does.

    Within each dataset whole groups are dealt out where there are ten or more, else images: then
    near-copies may stand on both sides, as they may in the paper's random division.

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
    """Divide into training and validation so that no group stands on both sides.

    In each dataset whole groups are drawn until `validation_share` of its images is reached, and
    `MIN_VALIDATION_IMAGES`; the smallest where every one is much more than that.
    A dataset of one or two groups (frames in order, no names) gives its last images instead.

    Returns
    -------
    training, validation
        Both keep the order of `images`; with one image in all, both are that image.
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
    """Draw groups with about as many images as wanted, at least one."""
    size = Counter(i.group for i in members)
    order = np.random.default_rng([seed, len(members)]).permutation(sorted(size)).tolist()
    taken: set[str] = set()
    count = 0
    for group in order:
        if count < wanted and count + size[group] <= 1.5 * wanted:
            taken.add(group)
            count += size[group]
    return taken or {min(order, key=lambda group: size[group])}
