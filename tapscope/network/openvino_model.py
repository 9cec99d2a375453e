"""A network as OpenVINO reads it, converted once for each weights file and kept in a cache.

Conversion needs torch and takes seconds; reading the converted model takes a twentieth of one. A
cached model belongs to the bytes of the weights, to their card, to the versions of the libraries
and to the code of this folder, so that no change meets an old one. A cache that cannot be written,
or is damaged, costs the conversion and nothing else.

The model takes an image (uint8, shape (1, height, width, 3)), heatmaps to average with, and their
share; it gives the average and the fields of `heatmap.HeatmapPeaks`, without those of the
fingertips where there are none: OpenVINO takes no empty tensors.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

from platformdirs import user_cache_path

from tapscope.files import sha256_of
from tapscope.network.openvino_runtime import openvino
from tapscope.network.weights import Weights

_FILES: Final = ("model.xml", "model.bin")
_MAX_KEPT: Final = 8
"""Cached models; those that were not used for longest go first."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A converted network and what its tensors do not tell."""

    model: openvino.Model
    stride: int
    size_divisor: int


def load_model(core: openvino.Core, weights: Weights, fingertips: Sequence[int]) -> LoadedModel:
    """Return the converted network of some weights, from the cache if it is there.

    Parameters
    ----------
    core
        Reads models.
    weights
        Those whose network is no file's are converted each time.
    fingertips
        Indices of the fingertips among the keypoints; may be empty.

    Raises
    ------
    WeightsError
        The tensors do not fit the architecture.
    """
    if not weights.is_of_file:
        return _convert(weights, fingertips)
    folder = user_cache_path("tapscope") / "networks" / _key(weights, fingertips)
    found = _read(core, folder)
    if found is None:
        found = _convert(weights, fingertips)
        _store(found, folder)
    return found


def _convert(weights: Weights, fingertips: Sequence[int]) -> LoadedModel:
    from tapscope.network.openvino_conversion import convert  # noqa: PLC0415 - imports torch

    network = weights.network
    return LoadedModel(convert(network, fingertips), network.stride, network.size_divisor)


def _key(weights: Weights, fingertips: Sequence[int]) -> str:
    """Return the name of the folder of a model: all that it depends on, hashed."""
    card = weights.card
    parts = [card.sha256, card.architecture, json.dumps(card.network), str(list(fingertips))]
    parts += [version(library) for library in ("openvino", "torch")]
    here = Path(__file__).parent
    parts += [sha256_of(file) for file in sorted(here.rglob("*.py"))]
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:32]


def _read(core: openvino.Core, folder: Path) -> LoadedModel | None:
    """Return a cached model; None where it is missing or damaged."""
    try:
        about = json.loads((folder / "about.json").read_text())
        if about["sha256"] != [sha256_of(folder / name) for name in _FILES]:
            return None
        model = core.read_model(folder / _FILES[0])
        with suppress(OSError):  # the cache of another user
            os.utime(folder)  # used now
        return LoadedModel(model, about["stride"], about["size_divisor"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _store(loaded: LoadedModel, folder: Path) -> None:
    """Put a model into the cache, whole or not at all."""
    part: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(mkdtemp(dir=folder.parent, prefix=".part-"))
        openvino.save_model(loaded.model, part / _FILES[0], compress_to_fp16=False)
        about = {
            "sha256": [sha256_of(part / name) for name in _FILES],
            "stride": loaded.stride,
            "size_divisor": loaded.size_divisor,
        }
        (part / "about.json").write_text(json.dumps(about))
        shutil.rmtree(folder, ignore_errors=True)  # a damaged one
        part.replace(folder)
        kept = sorted(folder.parent.glob("[!.]*"), key=lambda each: -each.stat().st_mtime)
        for old in kept[_MAX_KEPT:]:
            shutil.rmtree(old, ignore_errors=True)
    except (OSError, RuntimeError):  # read-only, full, or another process was first
        if part is not None:
            shutil.rmtree(part, ignore_errors=True)
