"""The same network wherever it runs."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from tapscope.errors import WeightsError
from tapscope.evaluation.predict import find_boxes, still_size_px
from tapscope.hand import INDEX_TIP, KEYPOINTS, THUMB_TIP, Measured
from tapscope.network import weights
from tapscope.network.crop import take_crop
from tapscope.network.engine import make_engine
from tapscope.network.heatmap import decode, find_peaks
from tapscope.network.openvino_engine import OpenVinoEngine
from tapscope.network.pmsdsnet import PMSDSNet
from tapscope.network.torch_engine import TorchEngine
from tapscope.network.weights import Weights
from tests.hands import hand_shape, paint, tiny_weights

ROOT = Path(__file__).parents[2]
PIXELS = np.stack(
    [paint([hand_shape(48, 48, aperture=o, size=60)], width=96, height=96) for o in (0.1, 0.4, 0.6)]
)


@pytest.fixture(scope="module")
def network() -> Weights:
    torch.manual_seed(1)
    return tiny_weights()


def single_precision(network: Weights) -> OpenVinoEngine:
    """Return an engine that does not round to bfloat16, on no processor.

    Rounded, many pixels of random weights are equally high, and which is the peak is chance.
    """
    engine = OpenVinoEngine(network, threads=1)
    engine._core.set_property("CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return engine


def test_openvino_answers_as_torch_does(network: Weights) -> None:
    reference, fast = TorchEngine(network), OpenVinoEngine(network, threads=1)
    ours, theirs = fast.heatmaps(PIXELS), reference.heatmaps(PIXELS)
    assert ours.shape == theirs.shape == (3, len(KEYPOINTS), 96, 96)
    # Hardware that computes in bfloat16 keeps 8 bits.
    assert np.abs(ours - theirs).max() < 0.02 * np.abs(theirs).max()


def hands_of_the_sample(engine: OpenVinoEngine) -> np.ndarray:
    """Cut the hand out of some frames of every bundled recording, shape (n, side, side, 3)."""
    side, crops = engine.card.input_size_px, []
    for path in sorted((ROOT / "tests/data/clinic/videos").glob("*.mp4")):
        with av.open(str(path)) as file:
            for number, frame in enumerate(file.decode(video=0)):
                if number % 60 == 0:
                    image = frame.to_ndarray(format="rgb24")
                    crops += [take_crop(image, w, side) for w in find_boxes(engine, image)[:1]]
    return np.stack(crops)


def test_shipped_weights_place_keypoints_alike_on_every_engine() -> None:
    """0.25 px at the 95th percentile in bfloat16, too: as a GPU computes, and some processors.

    On true hands: of a painted one few keypoints are sure, and the rest jump for a rounding.
    """
    shipped = sorted((ROOT / "weights").glob("*.safetensors"))
    assert shipped, "the project ships its weights"
    for path in shipped:
        found = weights.read(path)
        reference, fast = TorchEngine(found), OpenVinoEngine(found, threads=1)
        hands = hands_of_the_sample(fast)
        assert len(hands) >= 15
        theirs = reference.keypoints(hands)
        sure = theirs.confidence > 0.2
        assert sure.mean() > 0.8
        for engine in (fast, TorchEngine(found, precision=torch.bfloat16)):
            ours = engine.keypoints(hands)
            apart = np.linalg.norm(ours.position_px - theirs.position_px, axis=2)
            assert np.percentile(apart[sure], 95) < 0.25
            assert np.percentile(np.abs(ours.confidence - theirs.confidence), 95) < 0.05


def test_same_input_same_bits(network: Weights) -> None:
    engine = OpenVinoEngine(network, threads=2)
    assert np.array_equal(engine.heatmaps(PIXELS), engine.heatmaps(PIXELS))
    alone = np.concatenate([engine.heatmaps(p[None]) for p in PIXELS])
    assert np.array_equal(engine.heatmaps(PIXELS), alone)


def test_confidence_is_the_cards() -> None:
    torch.manual_seed(1)
    engine = TorchEngine(tiny_weights())
    peaks = decode(engine.tensor_heatmaps(PIXELS))
    expected = torch.sigmoid(10.0 * peaks.peak_value - 4.0 * peaks.second_peak - 5.0).numpy()
    assert np.allclose(engine.keypoints(PIXELS).confidence, expected, atol=1e-5)


@pytest.mark.parametrize("kind", [TorchEngine, OpenVinoEngine])
def test_what_is_seen_twice_is_the_mean_of_both_answers(
    network: Weights, kind: type[TorchEngine | OpenVinoEngine]
) -> None:
    engine = TorchEngine(network) if kind is TorchEngine else single_precision(network)
    once, twice = engine.keypoints(PIXELS), engine.keypoints(PIXELS, sure=1.0)
    mirrored = engine.heatmaps(np.ascontiguousarray(PIXELS[:, :, ::-1]))[..., ::-1]
    both = decode(torch.from_numpy((engine.heatmaps(PIXELS) + mirrored) / 2))
    assert np.allclose(twice.position_px, both.position_px.numpy(), atol=1e-4)
    assert np.allclose(twice.peak_value, both.peak_value.numpy(), atol=1e-6)
    assert not np.allclose(twice.peak_value, once.peak_value, atol=1e-5)


def test_only_what_is_not_sure_is_seen_twice(network: Weights) -> None:
    engine = TorchEngine(network)
    once, twice = engine.keypoints(PIXELS), engine.keypoints(PIXELS, sure=1.0)
    tips = once.confidence[:, [THUMB_TIP, INDEX_TIP]].min(axis=1)
    middle = float(np.median(tips))
    again = tips <= middle
    assert 0 < again.sum() < len(again)
    some = engine.keypoints(PIXELS, sure=middle)
    for name, values in some._asdict().items():
        expected = getattr(once, name).copy()
        expected[again] = getattr(twice, name)[again]
        assert np.allclose(values, expected, atol=1e-5), name


def test_devices(network: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert isinstance(make_engine(network, "auto"), OpenVinoEngine)
    assert isinstance(make_engine(network, "cpu"), OpenVinoEngine)
    assert type(make_engine(network, "reference")) is TorchEngine
    with pytest.raises(WeightsError, match="no CUDA GPU"):
        make_engine(network, "cuda")
    with pytest.raises(WeightsError, match="none of"):
        make_engine(network, "tpu")


def test_keypoints_are_found_by_name(network: Weights) -> None:
    order = ("index_tip", "wrist", "little_tip", "middle_mcp", "thumb_tip")
    measured = Measured.among(order)
    assert [order[place] for place in measured.tips] == ["thumb_tip", "index_tip"]
    assert (order[measured.wrist], order[measured.middle_mcp]) == ("wrist", "middle_mcp")
    tips_only = replace(network.card, keypoints=("thumb_tip", "index_tip"))
    with pytest.raises(WeightsError, match=r"no wrist, middle_mcp"):
        TorchEngine(replace(network, card=tips_only)).measured  # noqa: B018


def test_the_engine_reports_nothing_to_its_maker(tmp_path: Path) -> None:
    code = "import sys, tapscope.network.openvino_engine as _; "
    code += "assert sys.modules['openvino_telemetry'] is None"
    home = {"HOME": str(tmp_path), "LOCALAPPDATA": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], env={**os.environ, **home}, check=True)
    assert list(tmp_path.iterdir()) == []  # no identity of this user was made up


@pytest.mark.parametrize(("trained", "still"), [(32, 32), (64, 80), (96, 96), (128, 128)])
def test_stills_are_seen_larger_than_in_training_only_by_networks_of_small_views(
    trained: int, still: int
) -> None:
    given = tiny_weights()
    card = replace(given.card, input_size_px=trained)
    network = PMSDSNet(keypoints=21, stages=1, widths=[4] * 5).eval()  # sides are multiples of 16
    assert still_size_px(TorchEngine(Weights(network, card, given.path))) == still


@pytest.mark.parametrize("keypoints", [KEYPOINTS, ("wrist", "thumb_tip", "index_tip")])
def test_peaks_of_the_compiled_network_are_those_of_its_heatmaps(
    keypoints: tuple[str, ...],
) -> None:
    torch.manual_seed(1)
    engine = single_precision(tiny_weights(keypoints=keypoints))
    heatmaps, peaks = engine._look(PIXELS, keeps_heatmaps=True)
    expected = find_peaks(torch.from_numpy(heatmaps), engine.fingertips, engine.stride)
    missing = expected.tip_peak_value.numpy() == 0  # no further peak: it is nowhere
    for name, values, theirs in zip(expected._fields, peaks, expected, strict=True):
        assert len(values) == len(theirs)
        if not engine.fingertips and name.startswith("tip_"):
            assert values.size == theirs.numel() == 0
            continue
        if name == "tip_position_px":
            values[missing], theirs[torch.from_numpy(missing)] = 0, 0
        assert np.allclose(values, theirs, atol=1e-4), name
