"""Attention shown: stills with labels, clips, privacy, and what is refused."""

import dataclasses
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import torch

from tapscope.errors import AnnotationError, OutputError, VideoError, WeightsError
from tapscope.hand import KEYPOINTS
from tapscope.network import weights
from tapscope.network.baselines import UNet
from tapscope.network.crop import CropBox
from tapscope.network.pmsdsnet import PMSDSNet, normalise
from tapscope.network.weights import Weights
from tapscope.output.figure_style import render
from tapscope.records import Keypoints
from tapscope.visualise.attention import attention_of, labels_of, smoothed_boxes, still_attention
from tapscope.visualise.attention_figure import draw, tiles, write_attention
from tests.hands import DotEngine, hand_shape, labelled_folder, paint, tiny_card, tiny_weights


def deep_weights() -> Weights:
    torch.manual_seed(0)
    arguments = {"keypoints": 21, "stages": 2, "widths": [4, 4, 4]}
    card = dataclasses.replace(tiny_card(), network=arguments, input_size_px=64)
    return Weights(PMSDSNet(**arguments).eval(), card, Path("deep.safetensors"))  # type: ignore[arg-type]


def film(path: Path, frames: int, *, hand: bool = True) -> Path:
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=30, options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv444p"
        for n in range(frames):
            hands = [hand_shape(120 + n, 120, aperture=0.4, size=110)] if hand else []
            image = av.VideoFrame.from_ndarray(paint(hands, radius=7), format="rgb24")
            file.mux(stream.encode(image))
        file.mux(stream.encode(None))
    return path


def test_maps_are_those_of_the_network() -> None:
    given = deep_weights()
    network = given.network
    assert isinstance(network, PMSDSNet)
    image = paint([hand_shape(120, 120)])
    seen = attention_of(network, image, CropBox(120, 120, 160), 64, background=True)
    answer = network(normalise(torch.from_numpy(seen.pixels[None])))
    for maps, stage in zip(seen.maps, answer.supervised, strict=True):
        for one, z in zip(maps, stage, strict=True):
            assert np.allclose(one, torch.sigmoid(z.sum(dim=1))[0].detach().numpy(), atol=1e-6)
    assert [[one.shape for one in stage] for stage in seen.maps] == [
        [(64, 64), (32, 32), (16, 16)]
    ] * 2
    assert np.allclose(seen.final, answer.final[0].amax(dim=0).detach().numpy(), atol=1e-6)


def test_what_is_not_the_hand_is_hidden_unless_asked_for() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (240, 320, 3)).astype(np.uint8)
    network = deep_weights().network
    assert isinstance(network, PMSDSNet)
    box = CropBox(160, 120, 64)
    shown = attention_of(network, image, box, 64, background=True).pixels
    seen = attention_of(network, image, box, 64)
    kept = (seen.pixels == shown).all(axis=2)
    hull = np.zeros((64, 64), np.uint8)
    inside = seen.position_px.clip(0, 63).round().astype(np.int32)
    cv2.fillConvexPoly(hull, cv2.convexHull(inside), 1)
    assert kept[hull > 0].all()
    far = cv2.dilate(hull, np.ones((21, 21), np.uint8)) == 0
    assert not kept[far].all() or not far.any()
    blocks = seen.pixels.reshape(8, 8, 8, 8, 3).std(axis=(1, 3)).max(axis=2)
    assert (blocks == 0).sum() >= far.reshape(8, 8, 8, 8).all(axis=(1, 3)).sum()


def test_labels_are_found_beside_the_image(tmp_path: Path) -> None:
    folder = labelled_folder(tmp_path / "set", count=2)
    image = folder / "images" / "1.png"
    labels = labels_of(image, KEYPOINTS, CropBox(80, 80, 100))
    assert labels is not None
    assert np.isnan(labels[20]).all()
    seen = still_attention(image, deep_weights(), DotEngine(), 64)
    assert seen.truth_px is not None
    assert np.nanmin(seen.truth_px) > 0
    svg, png = render(draw(seen, KEYPOINTS))
    assert render(draw(seen, KEYPOINTS)) == (svg, png)
    assert labels_of(tmp_path / "elsewhere.png", KEYPOINTS, CropBox(0, 0, 1)) is None


def test_image_and_video_are_written(tmp_path: Path) -> None:
    image = tmp_path / "a hand.png"
    cv2.imwrite(str(image), paint([hand_shape(120, 120, size=110)])[:, :, ::-1])
    made = write_attention(image, None, deep_weights(), DotEngine())
    assert made == tmp_path / "a hand.attention.png"
    assert cv2.imread(str(made)) is not None
    assert (
        write_attention(image, tmp_path / "x.svg", deep_weights(), DotEngine())
        .read_text()
        .startswith("<?")
    )
    video = film(tmp_path / "clip.mp4", 12)
    counts: list[tuple[int, int]] = []
    clip = write_attention(
        video, None, deep_weights(), DotEngine(), on_frame=lambda *step: counts.append(step)
    )
    assert counts[-1] == (12, 12)
    with av.open(str(clip)) as file:
        images = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
    assert len(images) == 12
    assert images[0].shape == (2 * 128, 4 * 128, 3)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "a hand.attention.png", "a hand.png", "clip.attention.mp4", "clip.mp4", "x.svg",
    ]  # fmt: skip


def test_windows_are_steady_and_only_where_a_hand_was_seen() -> None:
    position = np.full((40, 21, 2), np.nan)
    for n in range(10, 40):
        position[n] = hand_shape(140 if n == 25 else 100, 100)
    keypoints = Keypoints(
        time_s=np.arange(40) / 30,
        position_px=position,
        confidence=np.ones((40, 21)),
        reason=np.where(np.isfinite(position[:, 0, 0]), "", "no_hand"),
        names=KEYPOINTS,
        blur_px=np.full(40, np.nan),
        agreement=np.full(40, np.nan),
        info={},
    )
    boxes = smoothed_boxes(keypoints)
    assert boxes[:10] == [None] * 10
    known = [w for w in boxes if w is not None]
    assert len(known) == 30
    assert len({w.side for w in known}) == 1
    assert max(w.x for w in known) - min(w.x for w in known) < 0.01


def test_what_cannot_be_shown_is_refused(tmp_path: Path) -> None:
    engine, given = DotEngine(), deep_weights()
    image = tmp_path / "empty.png"
    cv2.imwrite(str(image), paint([]))
    with pytest.raises(AnnotationError, match="no hand was found"):
        write_attention(image, None, given, engine)
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(AnnotationError, match="cannot be read as an image"):
        write_attention(tmp_path / "text.png", None, given, engine)
    with pytest.raises(OutputError, match=r"ends with .png or .svg"):
        write_attention(image, tmp_path / "x.mp4", given, engine)
    with pytest.raises(WeightsError, match="multiple of 4"):
        write_attention(image, None, given, engine, size_px=50)
    with pytest.raises(VideoError, match="no hand was seen in any frame"):
        write_attention(film(tmp_path / "empty.mp4", 4, hand=False), None, given, engine)
    assert not list(tmp_path.glob("*.attention.*")) + list(tmp_path.glob(".*"))
    card = dataclasses.replace(tiny_card(), architecture="u-net", network={"keypoints": 21})
    other = Weights(UNet().eval(), card, Path("u.safetensors"))
    with pytest.raises(WeightsError, match="a u-net has no attention maps"):
        write_attention(image, None, other, engine)


def test_six_stages_fit_the_clip() -> None:
    network = PMSDSNet(keypoints=2, stages=6, widths=(4, 4)).eval()
    seen = attention_of(network, paint([]), CropBox(100, 100, 100), 32)
    assert tiles(seen).shape == (6 * 128, 3 * 128, 3)


def test_tiny_weights_can_be_shown_on_disk(tmp_path: Path) -> None:
    weights.write(tmp_path / "w.safetensors", tiny_weights().network, tiny_card())
    found = weights.read(tmp_path / "w.safetensors")
    assert isinstance(found.network, PMSDSNet)
