"""Protocols: reading, refusing, naming, hashing."""

from pathlib import Path

import pytest

from tapscope import files
from tapscope.errors import ProtocolError
from tapscope.features import FEATURES
from tapscope.files import bundled_folder
from tapscope.protocol import protocol

MINIMAL = 'name = "x"\ndescription = "y"\nfile_name = "(?P<hand>left|right)"\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "own.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["mds-updrs-3.4", "tapping-10s", "paced"])
def test_bundled_protocols_load_by_name(name: str) -> None:
    loaded = protocol.load(name)
    assert loaded.name == name
    assert loaded.description
    assert set(loaded.features) <= {feature.name for feature in FEATURES}


def test_the_default_comes_first_and_only_the_paced_has_a_metronome() -> None:
    names = protocol.bundled()
    assert names[0] == protocol.load().name == "mds-updrs-3.4"
    paced = [name for name in names if protocol.load(name).metronome_rate_hz]
    assert paced == ["paced"]


def test_the_default_file_shows_the_rules_that_code_assumes() -> None:
    loaded = protocol.load()
    assert loaded.taps == protocol.TapRules()
    assert loaded.gaps == protocol.GapRules()
    assert loaded.smoothing == protocol.SmoothingRules()
    assert loaded.keypoints == protocol.KeypointRules()


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        ("sub-01_ses-2_hand-left_run-1", ("01", "2", "left", "1")),
        ("sub-01_hand-right_run-12", ("01", "", "right", "12")),
        ("sub-A7", ("A7", "", "", "")),
        ("sub-01_task-tap_hand-left_acq-x_run-02_video", ("01", "", "left", "02")),
        ("run-3", ("", "", "", "3")),
        ("my clip, second try", ("", "", "", "")),
    ],
)
def test_names_are_read(stem: str, expected: tuple[str, str, str, str]) -> None:
    assert protocol.load().parse_name(stem) == protocol.RecordingName(*expected)


def test_a_pattern_that_does_not_fit_leaves_all_empty(tmp_path: Path) -> None:
    own = protocol.load(write(tmp_path, MINIMAL))
    assert own.parse_name("sub-01") == protocol.RecordingName()
    assert own.parse_name("a left one").hand == "left"


def test_the_hash_follows_the_content_not_the_layout(tmp_path: Path) -> None:
    plain = protocol.load(write(tmp_path, MINIMAL)).content_hash
    assert len(plain) == 64
    assert protocol.load(write(tmp_path, "# a word\n\n" + MINIMAL)).content_hash == plain
    spelt_out = MINIMAL + "[taps]\nswing_share = 0.22\n"
    assert protocol.load(write(tmp_path, spelt_out)).content_hash == plain
    changed = MINIMAL + "[taps]\nswing_share = 0.23\n"
    assert protocol.load(write(tmp_path, changed)).content_hash != plain


@pytest.mark.parametrize(
    ("text", "key", "expected"),
    [
        ("[taps]\nswing = 1", "taps.swing", "one of the keys"),
        ("swing_share = 1", "swing_share", "one of the keys"),
        ('[taps]\nswing_share = "0.3"', "taps.swing_share", "a number"),
        ("[taps]\nswing_share = true", "taps.swing_share", "a number"),
        ("[taps]\nwindow_s = nan", "taps.window_s", "a number"),
        ("[taps]\nclosed_levels = [0.1]", "taps.closed_levels", "a list of two numbers"),
        ("[taps]\nclosed_levels = [0.4, 0.1]", "taps.closed_levels", "rising"),
        ("[quality]\nmin_taps = 2.5", "quality.min_taps", "a whole number"),
        ("features = [1]", "features", "text"),
        ("features = 'all'", "features", "a list of texts"),
        ("taps = 3", "taps", "a table"),
        ("metronome_rate_hz = -1", "metronome_rate_hz", "over 0"),
        ("[quality]\nmin_tracked_pct = 95.0", "quality.min_tracked_pct", "good_tracked_pct"),
        ("[taps]\nfloor_share = 0.5", "taps.floor_share", "taps.swing_share"),
        ("[time]\nmax_duration_s = 1", "time.max_duration_s", "min_duration_s"),
        ("[smoothing]\npassband_rates = 0.5", "smoothing.passband_rates", "1 or more"),
    ],
)
def test_errors_name_file_key_found_and_expected(
    tmp_path: Path, text: str, key: str, expected: str
) -> None:
    path = write(tmp_path, MINIMAL + text)
    with pytest.raises(ProtocolError) as caught:
        protocol.load(path)
    message = str(caught.value)
    assert str(path) in message
    assert f"{key}: found" in message
    assert expected in message


def test_missing_keys_broken_toml_and_bad_patterns_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match="description: found None"):
        protocol.load(write(tmp_path, 'name = "x"\nfile_name = ""\n'))
    with pytest.raises(ProtocolError, match="nested too deeply"):
        protocol.load(write(tmp_path, f"name = {'[' * 5000}"))
    with pytest.raises(ProtocolError, match="no valid TOML"):
        protocol.load(write(tmp_path, f"name = {'9' * 5000}"))
    with pytest.raises(ProtocolError, match="no valid TOML"):
        protocol.load(write(tmp_path, "name = "))
    with pytest.raises(ProtocolError, match="regular expression"):
        protocol.load(write(tmp_path, MINIMAL.replace("(?P<hand>", "(")[:-3] + '("\n'))
    with pytest.raises(ProtocolError, match="groups named"):
        protocol.load(write(tmp_path, MINIMAL.replace("hand", "finger")))


def test_an_unknown_name_lists_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match=r"mds-updrs-3\.4, paced, tapping-10s"):
        protocol.load(tmp_path / "none.toml")


def test_bundled_folders_are_found_or_reported_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert (bundled_folder("protocols") / "mds-updrs-3.4.toml").is_file()
    assert bundled_folder("weights").is_dir()
    monkeypatch.setattr(files, "_PACKAGE", tmp_path / "tapscope")
    with pytest.raises(FileNotFoundError, match="install tapscope again"):
        bundled_folder("weights")
    (tmp_path / "tapscope" / "bundled" / "weights").mkdir(parents=True)
    assert bundled_folder("weights") == tmp_path / "tapscope" / "bundled" / "weights"
