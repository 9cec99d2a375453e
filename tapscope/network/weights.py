"""Weights on disk: a safetensors file and, beside it, a TOML card that describes them.

Torch is imported only where a network is built or written: a converted one, see `openvino_model`,
needs none.
"""

import hashlib
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli_w
from safetensors import SafetensorError
from scipy.special import expit

from tapscope.errors import OutputError, WeightsError
from tapscope.files import write_atomically
from tapscope.protocol.toml_record import TomlFile
from tapscope.records import FloatArray

if TYPE_CHECKING:
    from tapscope.network.pmsdsnet import HeatmapNetwork


@dataclass(frozen=True, slots=True)
class Source:
    """One set of labelled frames that the weights were trained on."""

    name: str
    licence: str
    images: int


@dataclass(frozen=True, slots=True)
class Card:
    """Description of a weights file, as its TOML card holds it."""

    network: dict[str, Any]
    """Arguments of the architecture, by name."""
    input_size_px: int
    """Side of the square crop that the weights were trained on."""
    keypoints: tuple[str, ...]
    confidence_slope: float
    """Confidence = logistic(slope * peak value + second-peak slope * second peak + intercept),
    see `heatmap.Peaks`: the probability of an error under 0.1 of the hand's longer side."""
    confidence_second_peak_slope: float
    confidence_intercept: float
    trained_on: tuple[Source, ...]
    command: str
    seed: int
    tapscope_version: str
    architecture: str = "p-msdsnet"
    """One of `registry.ARCHITECTURES`."""
    notes: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    sha256: str = ""
    """Of the safetensors file; filled in by `write`."""


@dataclass(frozen=True)
class Weights:
    """A network in evaluation mode with its card."""

    made: "HeatmapNetwork | None"
    """A network that exists already; None for that of the file, built when it is asked for."""
    card: Card
    path: Path

    @property
    def name(self) -> str:
        """File name without ending, and the first digits of the hash."""
        return f"{self.path.stem}@{self.card.sha256[:12]}"

    @property
    def is_of_file(self) -> bool:
        """Whether the network is that of the file at `path`, whose hash the card holds."""
        return self.made is None

    @cached_property
    def network(self) -> "HeatmapNetwork":
        """The network.

        Raises
        ------
        WeightsError
            The tensors of the file do not fit the architecture.
        """
        return _build(self.card, self.path) if self.made is None else self.made


def card_path(path: Path) -> Path:
    """Return the path of a weights file's card."""
    return path.with_suffix(".toml")


def write(path: Path, network: "HeatmapNetwork", card: Card) -> Card:
    """Write weights and card; return the card with the hash filled in.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    from safetensors.torch import save  # noqa: PLC0415 - see the module's docstring

    # Clones, because safetensors refuses two names for one tensor, as shared stages have.
    state = network.state_dict()
    packed = save({name: t.detach().cpu().contiguous().clone() for name, t in state.items()})
    content = asdict(card) | {"sha256": hashlib.sha256(packed).hexdigest()}
    try:
        write_atomically(path, packed)
        write_atomically(card_path(path), tomli_w.dumps(content, multiline_strings=True).encode())
    except OSError as problem:
        raise OutputError(
            f"{path}: cannot be written ({problem.strerror}); make room or choose another --out"
        ) from problem
    return read_card(path)


def read_card(path: Path) -> Card:
    """Read the card that belongs to a weights file.

    Raises
    ------
    WeightsError
        The card is missing or malformed.
    """
    file = card_path(path)
    if not file.is_file():
        raise WeightsError(f"{file}: not found; the card must be in the folder of its weights")
    card = TomlFile(file, WeightsError).read(Card)
    if card.network.get("keypoints") != len(card.keypoints):
        raise WeightsError(
            f"{file}: names {len(card.keypoints)} keypoints for a network of "
            f"{card.network.get('keypoints')}; restore the card"
        )
    return card


def read(path: Path) -> Weights:
    """Read a card and check its weights' hash; the network is built when it is asked for.

    Raises
    ------
    WeightsError
        A file is missing, or the hash differs.
    """
    card = read_card(path)
    try:
        packed = path.read_bytes()
    except OSError as problem:
        raise WeightsError(f"{path}: cannot be read ({problem.strerror})") from problem
    found = hashlib.sha256(packed).hexdigest()
    if found != card.sha256:
        raise WeightsError(
            f"{path}: SHA-256 is {found[:12]}..., its card says {card.sha256[:12]}...; "
            "the file is damaged or belongs to another card; copy both again"
        )
    return Weights(None, card, path)


def _build(card: Card, path: Path) -> "HeatmapNetwork":
    """Build the network of a card and load its tensors, see `Weights.network`."""
    from safetensors.torch import load_file  # noqa: PLC0415 - see the module's docstring

    from tapscope.network.registry import build  # noqa: PLC0415

    try:
        network = build(card.architecture, card.network)
        network.load_state_dict(load_file(path))
    except (TypeError, ValueError, RuntimeError, SafetensorError) as problem:
        raise WeightsError(
            f"{path}: the tensors do not fit the architecture on the card ({problem})"
        ) from problem
    network.eval()
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    return network


def confidence(card: Card, peak_value: FloatArray, second_peak: FloatArray) -> FloatArray:
    """Return the calibrated confidence of peaks, see `Card.confidence_slope`."""
    chance: FloatArray = expit(
        card.confidence_slope * peak_value
        + card.confidence_second_peak_slope * second_peak
        + card.confidence_intercept
    )
    return chance
