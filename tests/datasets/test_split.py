"""Dividing labelled images: by group, by tenths, always alike."""

from pathlib import Path

import pytest

from tapscope.datasets import annotations, split
from tests.hands import labelled_folder


def test_no_group_stands_on_both_sides(tmp_path: Path) -> None:
    images = annotations.load(labelled_folder(tmp_path / "set", count=24, groups=8))
    training, validation = split.split_by_group(images, validation_share=0.25, seed=1)
    assert not {i.group for i in training.images} & {i.group for i in validation.images}
    assert len(training) + len(validation) == 24
    assert 3 <= len(validation) <= 9
    again = split.split_by_group(images, validation_share=0.25, seed=1)
    assert again[1].images == validation.images


def test_one_group_gives_its_last_images(tmp_path: Path) -> None:
    images = annotations.load(labelled_folder(tmp_path / "set", groups=1))
    training, validation = split.split_by_group(images, validation_share=0.25, seed=1)
    assert [i.path.stem for i in validation.images] == ["9", "10", "11"]
    assert len(training) == 9


@pytest.mark.parametrize("groups", [3, 5])
def test_of_large_groups_the_smallest_is_held_out(tmp_path: Path, groups: int) -> None:
    images = annotations.load(labelled_folder(tmp_path / "set", count=20, groups=groups))
    training, validation = split.held_out(images)
    (group,) = {i.group for i in validation.images}
    assert len(validation) == 20 // groups
    assert group not in {i.group for i in training.images}


def test_small_groups_are_held_out_until_there_are_enough(tmp_path: Path) -> None:
    images = annotations.load(labelled_folder(tmp_path / "set", count=30, groups=15))
    training, validation = split.held_out(images)
    assert 5 <= len(validation) <= 7
    assert not {i.group for i in training.images} & {i.group for i in validation.images}


@pytest.mark.parametrize(("images", "groups"), [(3, 1), (3, 2), (3, 3)])
def test_few_images_are_not_measured_on_what_was_learned(
    tmp_path: Path, images: int, groups: int
) -> None:
    images = annotations.load(labelled_folder(tmp_path / "set", count=images, groups=groups))
    training, validation = split.held_out(images)
    assert (len(training), len(validation)) == (2, 1)
    assert not {i.path for i in training.images} & {i.path for i in validation.images}


@pytest.mark.parametrize(("count", "measured"), [(12, 2), (30, 5), (100, 6)])
def test_a_few_frames_of_one_clip_are_measured_on_more_than_one(
    tmp_path: Path, count: int, measured: int
) -> None:
    images = annotations.load(labelled_folder(tmp_path / "set", count=count, groups=1))
    training, validation = split.held_out(images)
    assert (len(training), len(validation)) == (count - measured, measured)


def test_single_image_stands_on_both_sides(tmp_path: Path) -> None:
    images = annotations.load(labelled_folder(tmp_path / "set", count=1, groups=1))
    training, validation = split.held_out(images)
    assert training.images == validation.images == images.images


def test_tenths_are_eight_one_and_one_by_seed(tmp_path: Path) -> None:
    images = annotations.load(labelled_folder(tmp_path / "set", count=40, groups=20))
    paths = [image.path for image in images.images]
    pieces = split.split_8_1_1(images, seed=5)
    assert [len(piece) for piece in pieces] == [32, 4, 4]
    assert sorted(i.path for piece in pieces for i in piece.images) == sorted(paths)
    groups = [{image.group for image in piece.images} for piece in pieces]
    assert not groups[0] & groups[1]
    assert not groups[0] & groups[2]
    assert split.split_8_1_1(images, seed=5) == pieces
    assert split.split_8_1_1(images, seed=6)[2] != pieces[2]
    few_groups = annotations.load(labelled_folder(tmp_path / "few", count=20, groups=2))
    assert [len(piece) for piece in split.split_8_1_1(few_groups, seed=1)] == [16, 2, 2]
