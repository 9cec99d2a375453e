"""A run that cannot succeed is refused before its work, and leaves nothing behind."""

from pathlib import Path

import pytest

from tapscope.errors import OutputError, TapscopeError, VideoError
from tapscope.network import weights
from tests.cli.runner import run
from tests.hands import labelled_folder, tiny_card, tiny_weights

OUTPUTS = {
    "analyze": ("analyze", "absent", "--out", "taken/t.csv"),
    "compare": ("compare", "--sensor", "absent", "--out", "taken/agreement"),
    "convert": ("convert", "here.png", "--out", "taken/annotations"),
    "train": ("train", "--data", "absent", "--out", "taken/w.safetensors"),
    "evaluate": ("evaluate", "--data", "absent", "--out", "taken/scores"),
    "evaluate --json": ("evaluate", "--data", "absent", "--json", "taken/scores.json"),
    "attention": ("attention", "here.png", "--weights", "absent", "--out", "taken/a.png"),
    "benchmark": ("benchmark", "networks", "absent.toml", "--out", "taken/benchmark"),
}
MISSING = {
    "analyze": (("analyze", "absent.mp4"), "absent.mp4: no such file"),
    "inspect": (("inspect", "absent.mp4"), "absent.mp4: no such file"),
    "compare, table": (("compare", "--sensor", "here"), "features.csv: no such table"),
    "convert": (("convert", "absent.csv"), "absent.csv: there is no such file"),
    "train": (("train", "--data", "absent"), "absent: no such folder"),
    "evaluate": (("evaluate", "--data", "absent"), "absent: no such folder"),
    "attention": (("attention", "absent.png"), "absent.png: no such file"),
    "benchmark": (("benchmark", "networks", "absent.toml"), "No such file"),
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a file where a folder is wanted."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").touch()
    (tmp_path / "here.png").touch()
    return tmp_path


@pytest.mark.parametrize("arguments", OUTPUTS.values(), ids=OUTPUTS)
def test_the_output_is_checked_before_the_inputs(folder: Path, arguments: tuple[str, ...]) -> None:
    with pytest.raises(OutputError, match=r"^taken.*: cannot be written \(Not a directory\)"):
        run(*arguments)
    assert sorted(path.name for path in folder.iterdir()) == ["here.png", "taken"]


@pytest.mark.parametrize(("arguments", "message"), MISSING.values(), ids=MISSING)
def test_a_missing_file_is_called_missing_and_no_folder_is_left(
    folder: Path, arguments: tuple[str, ...], message: str
) -> None:
    with pytest.raises(TapscopeError, match=message):  # `main` gives all of these exit code 2
        run(*arguments)
    assert sorted(path.name for path in folder.iterdir()) == ["here.png", "taken"]


def test_a_damaged_video_is_no_missing_one(folder: Path) -> None:
    (folder / "damaged.mp4").write_bytes(b"no video")
    done = run("inspect", "damaged.mp4")
    assert done.exit_code == 1
    assert (
        "not a video that can be opened (Invalid data found when processing input)" in done.output
    )
    assert "Errno" not in done.output
    with pytest.raises(VideoError):
        run("inspect", "absent.mp4")


def test_train_does_not_replace_weights_unasked(folder: Path) -> None:
    for name in ("w.safetensors", "w.checkpoint.safetensors"):
        file = folder / name
        file.write_bytes(b"hours of work")
        with pytest.raises(OutputError, match=rf"{name}: exists; give --resume .* --force"):
            run("train", "--data", "absent", "--out", "w.safetensors")
        with pytest.raises(TapscopeError, match="absent: no such folder"):
            run("train", "--data", "absent", "--out", "w.safetensors", "--force")
        with pytest.raises(TapscopeError, match="absent: no such folder"):
            run("train", "--data", "absent", "--out", "w.safetensors", "--resume")
        assert file.read_bytes() == b"hours of work"
        file.unlink()


@pytest.mark.parametrize(
    ("stopped", "arguments", "said"),
    [
        ("tapscope.training.run.train_weights",
         ("train", "--data", "labels"), "no epoch was"),
        ("tapscope.training.run.train_weights",
         ("train", "--data", "labels", "--resume"),
         "again with --resume"),
        ("tapscope.compare.compare_study",
         ("compare", "--sensor", "labels"),
         "run the same command again"),
        ("tapscope.evaluation.evaluate.evaluate_weights",
         ("evaluate", "--data", "labels", "--weights", "w.safetensors"), "nothing was written"),
        ("tapscope.visualise.attention_figure.write_attention",
         ("attention", "here.png", "--weights", "w.safetensors"), "nothing was written"),
        ("tapscope.datasets.convert.convert",
         ("convert", "labels",), "nothing was written"),
    ],
)  # fmt: skip
def test_ctrl_c_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, folder: Path, stopped: str, arguments: tuple[str, ...],
    said: str,
) -> None:  # fmt: skip
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    labelled_folder(folder / "labels", count=2)
    weights.write(folder / "w.safetensors", tiny_weights().network, tiny_card())
    monkeypatch.setattr(stopped, interrupted)
    done = run(*arguments)
    assert done.exit_code == 130
    assert f"interrupted: {said}" in " ".join(done.output.split()) or said in done.output
    assert "Traceback" not in done.output


def test_a_cue_names_its_own_form() -> None:
    done = run("compare", "--sensor", "x", "--sync-cue", "1:2")
    assert done.exit_code == 2
    assert "'1:2': write VIDEO_S=SENSOR_S" in " ".join(done.output.replace("│", " ").split())
    done = run("compare", "--sensor", "x", "--margin", "sparc")
    assert "'sparc': write FEATURE=VALUE" in " ".join(done.output.replace("│", " ").split())
