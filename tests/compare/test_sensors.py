"""Each kind of sensor through a comparison: positions, accelerometers, gyroscopes with an axis."""

from pathlib import Path

import numpy as np
import pytest

from tapscope.cli.console.compare import print_comparison
from tapscope.compare import Options, compare_study
from tapscope.compare.records import Comparison, Exclusion, RecordingComparison
from tapscope.records import FloatArray
from tests.paired_study import (
    AXIS,
    DURATION_S,
    NAMES,
    OFFSET_S,
    OPEN_PX,
    RATES_HZ,
    made_up,
    movement,
    write_columns,
)

PX_PER_MM = 1.5
POSITION, CONTACTS, GYROSCOPE = range(3)


def xyz(name: str, values: FloatArray) -> dict[str, FloatArray]:
    return {f"{name}_{axis}": values[:, n] for n, axis in enumerate("xyz")}


def write_positions(path: Path, time_s: FloatArray, gap_mm: FloatArray) -> None:
    index = np.zeros((time_s.size, 3)) + 0.1
    index[:, 0] += gap_mm / 1000
    columns = {"time_s": time_s + OFFSET_S, **xyz("thumb_pos", np.full(index.shape, 0.1))}
    write_columns(path, columns | xyz("index_pos", index), {"Units": {"pos": "m", "time": "s"}})


def write_contacts(path: Path, time_s: FloatArray, contact_s: FloatArray) -> None:
    """Write gravity with a burst of 40 Hz at each contact."""
    rng = np.random.default_rng(5)
    values = rng.normal(0, 0.05, (time_s.size, 3)) + np.array([0.0, 0.0, 9.81])
    for moment_s in contact_s:
        values[:, 0] += (
            8
            * np.exp(-(((time_s - moment_s) / 0.008) ** 2))
            * np.cos(2 * np.pi * 40 * (time_s - moment_s))
        )
    columns = {"time_s": time_s + OFFSET_S + 1, **xyz("index_acc", values)}
    write_columns(path, columns, {"Units": {"acc": "m/s^2", "time": "s"}})


def write_fingers(folder: Path, time_s: FloatArray, angle_deg: FloatArray) -> None:
    """Write one file a finger; the index finger's says about which axis it opens."""
    velocity = np.radians(np.gradient(angle_deg, time_s))
    index = np.outer(velocity, AXIS)
    for finger, values in (("index", index), ("thumb", 0.1 * index)):
        sidecar = {"Units": {"gyro": "rad/s", "time": "s"}, "Placement": finger}
        if finger == "index":
            sidecar["OpeningAxis"] = {"index": list(AXIS)}
        columns = {"time_s": time_s + OFFSET_S + 2, **xyz(f"{finger}_gyro", values)}
        write_columns(folder / f"{finger}.csv", columns, sidecar)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """Three recordings with calibrated video, each with another kind of sensor."""
    folder = tmp_path_factory.mktemp("kinds")
    table = made_up(folder, px_per_mm=PX_PER_MM)
    logs = folder / "kinds"
    time_s = np.arange(-1.0, DURATION_S + 1.0, 0.005)
    motions = [movement(place, rate_hz, DURATION_S) for place, rate_hz in enumerate(RATES_HZ)]
    gap_mm = 7 + OPEN_PX / PX_PER_MM * motions[POSITION][1](time_s)
    write_positions(logs / "tracker.csv", time_s, gap_mm)
    write_contacts(logs / "contacts.csv", time_s, motions[CONTACTS][0])
    write_fingers(logs, time_s, 45 * motions[GYROSCOPE][1](time_s))
    manifest = folder / "manifest.csv"
    manifest.write_text(
        "recording,sensor_file,kind\n"
        f"{NAMES[0]},tracker.csv,position\n"
        f"{NAMES[1]},contacts.csv,contacts\n"
        f"{NAMES[2]},index.csv; thumb.csv,gyroscope\n"
    )
    options = Options(sensor=logs, features=table, out=folder / "out", manifest=manifest)
    return compare_study(options)


def clock_of(each: RecordingComparison) -> float:
    assert each.sync is not None
    return each.sync.offset_s


def test_every_kind_is_read_aligned_and_matched(found: Comparison) -> None:
    assert found.exclusions == ()
    kinds = [each.sensor_source for each in found.recordings]
    assert kinds == ["position", "accelerometer", "gyroscope"]
    for place, each in enumerate(found.recordings):
        assert clock_of(each) == pytest.approx(OFFSET_S + place, abs=0.02)
        assert each.taps is not None
        assert each.taps.match.matched > 0.9 * each.taps.video_closure_s.size


def test_distances_in_mm_are_compared_in_full(found: Comparison) -> None:
    row = found.row("tap_amplitude", "kind=position")
    assert row is not None
    assert row.unit == "mm"
    mae = row.estimate("mae")
    assert mae is not None
    assert mae.value < 3.0
    pairs = {pair.feature: pair for pair in found.recordings[POSITION].features}
    assert pairs["amplitude_median"].comparable
    assert pairs["amplitude_median"].video == pytest.approx(
        pairs["amplitude_median"].sensor, rel=0.05
    )
    assert found.row("tap_amplitude") is None


def test_contacts_tell_rate_and_intervals_but_no_amplitude(found: Comparison) -> None:
    each = found.recordings[CONTACTS]
    names = {pair.feature for pair in each.features}
    assert {"tapping_rate_hz", "inter_tap_interval_cv"} <= names
    assert not any(name.startswith(("amplitude", "aperture")) for name in names)
    assert each.signal is None
    assert found.row("tap_amplitude_centred", "kind=contacts") is None
    assert found.row("tap_interval_s", "kind=contacts") is not None


def test_a_stated_axis_needs_no_video(found: Comparison) -> None:
    each = found.recordings[GYROSCOPE]
    assert each.sensor_files == ("index.csv", "thumb.csv")
    assert each.sensor_facts["sign"] == "sidecar"


def test_the_terminal_tells_what_was_left_out(
    found: Comparison, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = [Exclusion("", f"log{n}[/].csv", "pairing", "everything", "why") for n in range(12)]
    flagged = Exclusion("a[b]", "x", "synchronisation", "taps and signals", "cycle_ambiguous: so")
    changed = Comparison(found.recordings, found.rows, found.flow, (flagged, *lost), found.settings)
    print_comparison(changed, Path("out"))
    text = capsys.readouterr().out
    assert "compared by features only: 1 of 3" in text
    assert "a[b]" in text
    assert "log9[/].csv" in text
    assert "log10" not in text
    assert "and 2 more" in text
