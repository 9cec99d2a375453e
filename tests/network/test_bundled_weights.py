"""Weights are found by path, by the name of bundled ones, and by default."""

from pathlib import Path

import pytest

from tapscope.errors import WeightsError
from tapscope.files import bundled_folder
from tapscope.network.bundled_weights import DEFAULT_WEIGHTS, find_weights


def test_weights_are_found_by_path_by_bundled_name_and_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "small.safetensors"
    file.touch()
    bundled = bundled_folder("weights") / DEFAULT_WEIGHTS
    assert find_weights(file) == file
    assert find_weights(None) == find_weights(Path(bundled.stem)) == bundled
    assert find_weights(Path("default")) == bundled
    monkeypatch.chdir(tmp_path)
    file.rename(bundled.stem)  # a file of that name overrides bundled weights
    assert find_weights(Path(bundled.stem)) == Path(bundled.stem)
    with pytest.raises(WeightsError, match=f"bundled ones: .*{bundled.stem}"):
        find_weights(file)
