"""tapscope train: train weights on labelled frames."""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from tapscope.cli import train_options as options
from tapscope.cli.options import (
    CompileOption,
    Device,
    DeviceOption,
    SizeOption,
    SplitSeedOption,
    interruptible,
)
from tapscope.errors import OutputError

if TYPE_CHECKING:  # they import torch
    from tapscope.training.run import Trained
    from tapscope.training.settings import TrainSettings


def train(
    *,
    folders: options.FoldersOption = None,
    init: options.InitOption = None,
    out: options.OutOption = Path("weights.safetensors"),
    try_on: options.TryOnOption = None,
    model: options.ModelOption = None,
    keypoint: options.KeypointOption = None,
    epochs: options.EpochsOption = 20,
    tenths: SplitSeedOption = None,
    size: SizeOption = None,
    rate: options.RateOption = None,
    batch: options.BatchOption = 8,
    keep: options.KeepOption = None,
    start_share: options.StartShareOption = None,
    thorough: options.ThoroughOption = False,
    device: DeviceOption = "auto",
    seed: options.SeedOption = 1,
    resume: options.ResumeOption = False,
    force: options.ForceOption = False,
    compiled: CompileOption = False,
) -> None:
    """Train weights on labelled frames (COCO keypoints)."""
    from tapscope.cli import console
    from tapscope.training.run import folders_or_default
    from tapscope.training.settings import TrainSettings

    options.check_combination(
        model=model, init=init, start_share=start_share, thorough=thorough, tries=bool(try_on)
    )
    start = _weights_to_start_from(init, out, try_on or [])
    if not (resume or force):
        _ask_before_replacing(out)
    settings = TrainSettings(
        epochs=epochs,
        batch_size=batch,
        seed=seed,
        compiled=compiled,
        keep=keep,
        thorough=thorough,
    )
    if start_share is not None:
        settings = replace(settings, weight_interpolation=start_share)
    data = folders_or_default(folders or [])
    trained = _train(
        data, out, settings, start, model,
        keypoints=keypoint or (), split_seed=tenths, size_px=size, lr_scale=rate, device=device,
        resume=resume,
    )  # fmt: skip
    console.print_trained(trained)
    if try_on and start:
        _try_on(try_on, data, start, out, device)


def _weights_to_start_from(init: Path | None, out: Path, try_on: Sequence[Path]) -> Path | None:
    """Return the weights of --init; check at once what --try-on will need of them."""
    from tapscope.network.bundled_weights import find_weights

    start = find_weights(init) if init else None
    if start and try_on:
        from tapscope.evaluation.before_after import check_try_on

        check_try_on(try_on, start, out)
    return start


def _train(
    folders: Sequence[Path],
    out: Path,
    settings: "TrainSettings",
    start: Path | None,
    model: str | None,
    **how: Any,
) -> "Trained":
    """Train with a progress bar; say after Ctrl-C how to go on."""
    from tapscope.cli import console
    from tapscope.network.registry import DEFAULT_MODEL, model_named
    from tapscope.training.run import train_weights

    bar = console.TrainingBar()

    def how_to_go_on() -> str:
        if bar.epochs or how["resume"]:
            return "run the same command again with --resume; it goes on after the last epoch"
        return "no epoch was finished; run the same command again"

    with interruptible(how_to_go_on), bar:
        return train_weights(
            folders,
            out,
            settings,
            init=start,
            model=model_named(model or DEFAULT_MODEL),
            command=shlex.join(sys.argv),
            on_step=bar.loss,
            on_epoch=bar.epoch,
            **how,
        )


def _try_on(
    videos: Sequence[Path], folders: Sequence[Path], start: Path, out: Path, device: Device
) -> None:
    """Analyse recordings with the old and the new weights and print what changed."""
    from tapscope.cli import console
    from tapscope.cli.console.before_after import print_before_after
    from tapscope.evaluation.before_after import try_on

    again = f"{out} is written; run the same command again with --resume for the recordings"
    with interruptible(again), console.progress_listener("terminal") as listener:
        done = try_on(
            videos, folders, start, out, device=device, listener=listener, command=sys.argv
        )
    print_before_after(done)


def _ask_before_replacing(out: Path) -> None:
    """Ask before earlier weights, or the checkpoint of an interrupted training, are replaced.

    Raises
    ------
    OutputError
        They exist, and nobody can be asked because the input is no terminal.
    """
    from tapscope.training import checkpoint

    before = [file for file in (out, checkpoint.path_of(out)) if file.is_file()]
    if not before:
        return
    if not sys.stdin.isatty():
        raise OutputError(
            f"{before[0]}: exists; give --resume to continue its training, --force to replace it, "
            "or another --out"
        )
    typer.confirm(f"{before[0]} exists. Replace it? (--resume continues its training)", abort=True)
