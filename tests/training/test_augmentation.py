"""Augmented samples: labels stay on their keypoints, and the same seed gives the same sample."""

from dataclasses import replace

import numpy as np
import pytest

from tapscope.datasets.annotations import Label, LabelledImage, LabelledSet, load
from tapscope.training.augmentation import (
    AugmentationSettings,
    hand_mask,
    make_sample,
    motion_blur,
    photometric_changes,
)
from tapscope.training.dataset import (
    Batch,
    BatchSampler,
    ImageCache,
    SampleSpec,
    TrainingSamples,
    tracked_crops,
    validation_crops,
)
from tapscope.training.loss import targets
from tests.hands import COLOURS, hand_shape, labelled_folder

CALM = AugmentationSettings(background_share=0.0, empty_share=0.0)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> LabelledSet:
    return load(labelled_folder(tmp_path_factory.mktemp("labelled") / "set"))


def one_sample(images: LabelledSet, index: int, key: int, settings: AugmentationSettings = CALM):  # type: ignore[no-untyped-def]
    images = ImageCache(images.images)
    rng = np.random.default_rng(key)
    return make_sample(*images[index], 96, rng, settings, other=lambda: images[0])


def test_labels_stay_on_their_dots(images: LabelledSet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without photographic changes, each keypoint in view has its own colour under its label."""
    monkeypatch.setattr(
        "tapscope.training.augmentation.photometric_changes", lambda seen, rng, strength: seen
    )
    monkeypatch.setattr("tapscope.training.augmentation._occlude", lambda seen, rng, other: seen)
    checked = 0
    for key in range(40):
        sample = one_sample(images, key % 12, key)
        for colour, (x, y) in zip(COLOURS, sample.position_px[0], strict=True):
            if np.isfinite(x) and 2 <= x < 93 and 2 <= y < 93:
                patch = sample.pixels[round(y) - 1 : round(y) + 2, round(x) - 1 : round(x) + 2]
                checked += 1
                assert np.abs(patch.astype(int) - colour).max(axis=2).min() < 40
    assert checked > 300


def test_same_seed_same_sample_and_another_seed_another(images: LabelledSet) -> None:
    samples = TrainingSamples(ImageCache(images.images), AugmentationSettings())
    first, again, other = (
        samples[SampleSpec(3, 96, key)] for key in ((1, 0, 5, 2), (1, 0, 5, 2), (1, 0, 5, 3))
    )
    assert np.array_equal(first.pixels, again.pixels)
    assert np.array_equal(first.position_px, again.position_px, equal_nan=True)
    assert not np.array_equal(first.pixels, other.pixels)


def test_unlabelled_keypoint_never_counts_and_pseudo_labels_count_less(images: LabelledSet) -> None:
    pseudo, exact = (one_sample(images, index, 7).weight for index in (0, 1))
    assert pseudo[20] == exact[20] == 0
    assert pseudo[0] == CALM.pseudo_label_weight
    assert (exact[:20] == 1).all()  # tips weigh more in the loss, and only there


def test_hidden_keypoint_has_a_low_peak_and_counts_less(images: LabelledSet) -> None:
    image = images.images[1]
    hand = image.hands[0]
    label = np.where(np.arange(21) == 8, Label.HIDDEN, hand.label)
    covered = replace(image, hands=(replace(hand, label=label),))
    sample = make_sample(
        covered, image.pixels(), 96, np.random.default_rng(0), CALM,
        other=lambda: (covered, image.pixels()),
    )  # fmt: skip
    assert sample.peak_value[0, 8] == CALM.hidden_peak_value
    assert np.delete(sample.peak_value[0], 8).min() == 1
    assert sample.weight[8] == CALM.hidden_weight
    heat = targets(Batch.stack([sample]), (96, 96))
    place = sample.position_px[0, 8].round().astype(int)
    assert heat[0, 8].max() == heat[0, 8, place[1], place[0]] < 0.36


def test_second_hand_without_a_label_masks_the_keypoint(images: LabelledSet) -> None:
    image = images.images[1]
    hand = image.hands[0]
    bare = type(hand)(
        np.where(np.arange(21)[:, None] == 0, hand.position_px, np.nan),
        np.where(np.arange(21) == 0, 2, 0), "", hand.box_px,
    )  # fmt: skip
    both = LabelledImage(image.path, 160, 160, "set", "g", "", (hand, bare))
    rng = np.random.default_rng(0)
    sample = make_sample(both, image.pixels(), 96, rng, CALM, other=lambda: (both, image.pixels()))
    assert sample.position_px.shape == (2, 21, 2)
    assert sample.weight[0] == 1
    assert sample.weight[1:].max() == 0


def test_empty_crop_shows_no_keypoint(images: LabelledSet) -> None:
    settings = AugmentationSettings(
        empty_share=1.0, background_share=0.0, close_hand_ratio=(0.9, 0.95)
    )
    inside = [
        ((s.position_px > 0) & (s.position_px < 95)).all(axis=2).sum()
        for s in (one_sample(images, 1, key, settings) for key in range(12))
    ]
    assert min(inside) == 0


def test_background_is_replaced_but_the_hand_stays(images: LabelledSet) -> None:
    keypoints = hand_shape(size=60) + 48
    mask = hand_mask(keypoints, 96)
    assert mask is not None
    assert mask[tuple(keypoints[8].round().astype(int)[::-1])] > 0.5
    assert mask[2, 2] == 0
    assert 0.05 < mask.mean() < 0.7
    keypoints[3] = np.nan
    assert hand_mask(keypoints, 96) is None


def test_motion_blur_keeps_the_middle_and_the_sum() -> None:
    image = np.zeros((41, 41, 3), dtype=np.uint8)
    image[20, 20] = 255
    image[19:22, 19:22] = 200
    blurred = motion_blur(image, 9.0, 0.0).astype(float)[:, :, 0]
    columns = np.arange(41)
    assert (blurred * columns).sum() / blurred.sum() == pytest.approx(20, abs=0.05)
    assert blurred.sum() == pytest.approx(image[:, :, 0].sum(), rel=0.05)
    assert (blurred[20] > 0).sum() > 9 > (blurred[:, 20] > 0).sum()


def test_photometric_changes_move_nothing() -> None:
    image = np.zeros((64, 64, 3), dtype=np.uint8)
    image[:, 32:] = 200
    for key in range(30):
        seen = photometric_changes(image, np.random.default_rng(key)).astype(float).mean(axis=2)
        assert seen.shape == (64, 64)
        steps = np.abs(np.diff(seen.mean(axis=0)))
        if seen.std() > 8:
            assert abs(np.average(np.arange(63), weights=steps**2 + 1e-9) - 31) < 6


def test_large_group_is_drawn_by_the_root_of_its_size(images: LabelledSet) -> None:
    place = [("one", "large")] * 9 + [("one", "small")] + [("two", "large")] * 2
    uneven = LabelledSet(
        tuple(
            replace(image, dataset=dataset, group=group)
            for image, (dataset, group) in zip(images.images, place, strict=True)
        ),
        images.keypoints,
    )
    sampler = BatchSampler(uneven, batch_size=12, size_px=96, seed=1, epoch=0)
    counts = np.bincount([d.index for b in sampler for d in b], minlength=12)
    assert counts[:9].sum() == 8  # 3 of 4 draws of ten images
    assert counts[:9].max() == 1
    assert counts[9] == 2
    assert counts[10:].tolist() == [1, 1]  # of a dataset of its own


def test_epoch_draws_every_image_of_equal_groups_once(images: LabelledSet) -> None:
    sampler = BatchSampler(images, batch_size=3, size_px=96, seed=1, epoch=0)
    batches = list(sampler)
    assert len(sampler) == len(batches) == 4
    counts = np.bincount([d.index for b in batches for d in b], minlength=12)
    assert counts.tolist() == [1] * 12
    assert {d.size_px for b in batches for d in b} == {96}
    other = BatchSampler(images, batch_size=3, size_px=96, seed=1, epoch=1)
    assert [d.index for b in other for d in b] != [d.index for b in batches for d in b]


def test_batch_fills_up_missing_hands(images: LabelledSet) -> None:
    one = one_sample(images, 0, 1)
    position, peak = (np.repeat(of_one, 2, axis=0) for of_one in (one.position_px, one.peak_value))
    batch = Batch.stack([one, replace(one, position_px=position, peak_value=peak)])
    assert batch.position_px.shape == (2, 2, 21, 2)
    assert batch.position_px[0, 1].isnan().all()
    assert batch.peak_value.shape == (2, 2, 21)
    assert batch.peak_value[0, 1].max() == 0


def test_validation_crops_show_the_hand_at_a_fixed_size(images: LabelledSet) -> None:
    crops = validation_crops(images, 96, most=5)
    assert len(crops) == 4
    for one in crops:
        assert np.ptp(one.position_px[:20], axis=0).max() == pytest.approx(one.hand_px, rel=0.1)


def test_tracked_crops_show_the_same_hands_off_the_middle(images: LabelledSet) -> None:
    centred = validation_crops(images, 96, most=20)
    tracked, again = (tracked_crops(images, 96, most=20, seed=3) for _ in range(2))
    assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(tracked, again, strict=True))
    middles = [
        [np.nanmean(crop.position_px, axis=0) for crop in crops] for crops in (centred, tracked)
    ]
    apart_px = np.linalg.norm(np.subtract(*middles), axis=1)
    assert 3 < np.median(apart_px) < 20
    for crop in tracked:
        for colour, (x, y) in zip(COLOURS, crop.position_px, strict=True):
            if np.isfinite(x) and 2 <= x < 93 and 2 <= y < 93:
                patch = crop.pixels[round(y) - 1 : round(y) + 2, round(x) - 1 : round(x) + 2]
                assert np.abs(patch.astype(int) - colour).max(axis=2).min() < 60


def test_images_that_do_not_fit_in_memory_are_read_each_time(
    images: LabelledSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = ImageCache(images.images)[2][1]
    monkeypatch.setattr("tapscope.training.dataset.MAX_CACHED_BYTES", 10)
    assert np.array_equal(ImageCache(images.images)[2][1], kept)
