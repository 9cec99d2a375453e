"""Checkpoint of a training run: one safetensors file with JSON in its metadata.

No pickle, and one file, so that a checkpoint is complete or absent.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save as pack
from torch import Tensor
from torch.optim import Optimizer

from tapscope.errors import WeightsError
from tapscope.network.pmsdsnet import HeatmapNetwork
from tapscope.output.table import write_result


@dataclass(frozen=True, slots=True)
class Run:
    """Everything that changes while a network is trained."""

    network: HeatmapNetwork
    average: HeatmapNetwork
    best: HeatmapNetwork
    optimisers: tuple[Optimizer, ...]


@dataclass(frozen=True, slots=True)
class State:
    """Content of a checkpoint besides the tensors."""

    reports: list[dict[str, Any]]
    best_score: float


def path_of(out: Path) -> Path:
    """Return the path of the checkpoint that belongs to the weights file `out`."""
    return out.with_suffix(".checkpoint.safetensors")


def save(
    out: Path,
    run: Run,
    *,
    settings: dict[str, Any],
    images: int,
    reports: list[dict[str, Any]],
    best_score: float,
) -> None:
    """Write the checkpoint that belongs to `out`, replacing an older one."""
    tensors: dict[str, Tensor] = {}
    for part in ("network", "average", "best"):
        module: HeatmapNetwork = getattr(run, part)
        tensors |= {f"{part}.{k}": v.cpu().contiguous() for k, v in module.state_dict().items()}
    for number, optimiser in enumerate(run.optimisers):
        for index, moments in optimiser.state_dict()["state"].items():
            for name, value in moments.items():
                tensors[f"optimiser{number}.{index}.{name}"] = value.cpu().contiguous()
    # safetensors refuses tensors that share storage, as those of shared stages do.
    tensors = {name: t.clone() for name, t in tensors.items()}
    note = {
        "settings": settings,
        "images": images,
        "reports": reports,
        "best_score": best_score,
    }
    write_result(path_of(out), pack(tensors, metadata={"state": json.dumps(note)}))


def load(out: Path, run: Run, *, settings: dict[str, Any], images: int) -> State:
    """Restore a run in place.

    Raises
    ------
    WeightsError
        There is no checkpoint, it is damaged, or it belongs to other settings or images.
    """
    file = path_of(out)
    if not file.is_file():
        raise WeightsError(f"{file}: no checkpoint to resume from; start without --resume")
    try:
        with safe_open(file, framework="pt") as opened:
            note = json.loads(opened.metadata()["state"])
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (SafetensorError, KeyError, TypeError, ValueError, OSError) as problem:
        raise WeightsError(f"{file}: damaged ({problem}); start without --resume") from problem
    # A round trip through JSON, so that tuples compare equal to lists.
    expected = json.loads(json.dumps(settings))
    if note["settings"] != expected or note["images"] != images:
        differing = sorted(k for k in expected if note["settings"].get(k) != expected[k])
        raise WeightsError(
            f"{file}: made with other settings ({', '.join(differing) or 'number of images'}); "
            "repeat the command that made it, or start without --resume"
        )
    try:
        for part in ("network", "average", "best"):
            module: HeatmapNetwork = getattr(run, part)
            prefix = f"{part}."
            module.load_state_dict(
                {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
            )
    except RuntimeError as problem:
        raise WeightsError(
            f"{file}: belongs to another network; start without --resume"
        ) from problem
    for number, optimiser in enumerate(run.optimisers):
        moments: dict[int, dict[str, Tensor]] = {}
        for name, value in tensors.items():
            if name.startswith(f"optimiser{number}."):
                _, index, moment = name.split(".")
                moments.setdefault(int(index), {})[moment] = value
        optimiser.load_state_dict(optimiser.state_dict() | {"state": moments})
    return State(note["reports"], float(note["best_score"]))
