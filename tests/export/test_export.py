"""Exports, each opened by the library or program that its users have."""

import csv
import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tapscope.errors import OutputError, ResultsError
from tapscope.export.export import Export, export_table
from tapscope.export.formats import FORMATS
from tapscope.export.formats.base import harmless, plain_number, unique_names
from tapscope.features import FEATURES
from tapscope.output.columns import ORIGIN, RECORDING, TEXT_QUALITY, UNITS
from tapscope.output.table import csv_bytes, fixed
from tests.cli.runner import run

FRAMES = 90
REPEATED = 40
"""Number of a frame that repeats the picture before it, so that the tracks have no row of it."""
EVIL = "=cmd()"
NAMES = ("Mueller/anna", EVIL, "sub-03")


def needs(*modules: str) -> None:
    for module in modules:
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"needs {module}, which is not installed")


def study(folder: Path, **manifest: str) -> Path:
    """Write a table of three recordings, ok, doubtful and failed, the last one without tracks."""
    extra = {"group": "case", "age": "67", **manifest}
    columns = [*RECORDING, *(feature.name for feature in FEATURES), *UNITS, *TEXT_QUALITY,
               *ORIGIN, *extra]  # fmt: skip
    rows = []
    for n, name in enumerate(NAMES):
        cells = {
            "recording": name, "video": f"{name}.mp4", "status": ("ok", "doubtful", "failed")[n],
            "reason": ("", "@taps may be missed", f"/ward/anna/{name}.mp4: no hand")[n],
            "participant_id": ("Anna Mueller", EVIL, "Anna Mueller")[n], "trial": str(n + 1),
            "session_id": ("2025-03-31", "", "2025-04-01")[n], "hand": "left",
            "weights": "pmsdsnet@d8e5", "protocol": "mds@37a2", "tapscope_version": "0.1.0",
            **extra,
        }  # fmt: skip
        if n < 2:
            cells |= {"tap_count": "12", "noise": "4.05e-05", "sparc": "-1.5", "unit": "px",
                      "speed_unit": "px/s", "amplitude_median": "0.8", "task_ending": "complete",
                      "task_start_s": "0.5", "task_end_s": "2.5"}  # fmt: skip
            write_files(folder / "features.tapscope", name)
        rows.append([cells.get(column, "") for column in columns])
    table = folder / "features.csv"
    table.write_bytes(csv_bytes(columns, rows))
    return table


def write_files(folder: Path, recording: str) -> None:
    """Write tracks and taps of a recording of two taps."""
    frame = np.delete(np.arange(FRAMES), REPEATED)
    x = 100.0 + frame
    x[10] = np.nan
    sure = np.where(np.isnan(x), 0.2, 0.9)
    tracks = {
        "time_s": fixed(frame / 30, 6), "frame": [str(n) for n in frame],
        "thumb_tip_x": fixed(x, 3), "thumb_tip_y": fixed(x + 50, 3),
        "index_tip_x": fixed(x, 3), "index_tip_y": fixed(x + 20, 3),
        "thumb_tip_confidence": fixed(sure, 3), "index_tip_confidence": fixed(sure, 3),
        "aperture_px": fixed(x * 0 + 30, 3), "aperture_hand": fixed(x * np.nan, 5),
        "aperture_mm": fixed(x * np.nan, 3), "angle_deg": fixed(x * np.nan, 3),
        "reason": ["" if value > 0.5 else "low_confidence" for value in sure],
    }  # fmt: skip
    (folder / recording).parent.mkdir(parents=True, exist_ok=True)
    (folder / f"{recording}.tracks.csv").write_bytes(
        csv_bytes(list(tracks), zip(*tracks.values(), strict=True))
    )
    names = ["tap", "closure_s", "next_closure_s", "peak_s", "amplitude", "unit",
             "opening_speed_mean", "opening_speed_peak", "closing_speed_mean",
             "closing_speed_peak", "interval_s", "flags"]  # fmt: skip
    taps = [[str(n), str(n), str(n + 1), str(n + 0.5), "30", "px", *"1234", "1", "edge"]
            for n in range(2)]  # fmt: skip
    (folder / f"{recording}.taps.csv").write_bytes(csv_bytes(names, taps))


def exported(table: Path, to: str, *, deidentify: bool = False) -> Export:
    return export_table(table, to, deidentify=deidentify)


def rows_of(file: Path, delimiter: str = ",") -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter=delimiter))


def test_dlc_is_opened_by_pandas_and_keeps_the_numbers_of_the_frames(tmp_path: Path) -> None:
    needs("tables")
    done = exported(study(tmp_path), "dlc")
    assert [one.recording for one in done.not_exported] == ["sub-03"]
    stored = pd.read_hdf(done.out / "Mueller" / "annaDLC_tapscope.h5")
    text = pd.read_csv(done.out / "Mueller" / "annaDLC_tapscope.csv", header=[0, 1, 2], index_col=0)
    for frame in (stored, text):
        assert frame.columns.names == ["scorer", "bodyparts", "coords"]
        tip = frame["DLC_tapscope"]["thumb_tip"]
        assert len(tip) == FRAMES
        assert tip["x"][89] == 189
        assert np.isnan(tip["x"][[10, REPEATED]]).all()
        assert tip["likelihood"][[9, 10, REPEATED]].tolist() == [0.9, 0.2, 0.0]


def test_dlc_is_opened_by_movement(tmp_path: Path) -> None:
    needs("tables", "movement")
    done = exported(study(tmp_path), "dlc")
    for ending in (".csv", ".h5"):
        file = done.out / "Mueller" / f"annaDLC_tapscope{ending}"
        # In a process of its own: what movement imports warns.
        says = (
            "from movement.io import load_poses\n"
            f"poses = load_poses.from_dlc_file({str(file)!r}, fps=30)\n"
            "print(poses.sizes['time'], *poses.keypoints.values, float(poses.time[89]))\n"
            "print(float(poses.position.sel(keypoints='index_tip', space='y')[89, 0]))\n"
        )
        found = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", says],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        size, thumb, index, time_s, y = found.stdout.split()
        assert (size, thumb, index) == (str(FRAMES), "thumb_tip", "index_tip")
        assert (round(float(time_s), 3), float(y)) == (2.967, 209.0)


def test_nwb_holds_pose_taps_and_features_and_passes_the_inspector(tmp_path: Path) -> None:
    needs("pynwb", "ndx_pose", "nwbinspector")
    done = exported(study(tmp_path, sex="female"), "nwb")
    file = done.out / "Mueller" / "anna.nwb"
    says = (
        "import json, sys, numpy, pynwb, ndx_pose\n"
        "from nwbinspector import inspect_nwbfile\n"
        f"path = {str(file)!r}\n"
        "with pynwb.NWBHDF5IO(path, 'r') as stream:\n"
        "    content = stream.read()\n"
        "    held = content.processing['behavior']\n"
        "    tip = held['PoseEstimation']['index_tip']\n"
        "    features = held['features'].to_dataframe().set_index('feature')\n"
        "    found = dict(\n"
        "        y=float(tip.data[88][1]), t=float(tip.timestamps[88]), sure=tip.confidence[10],\n"
        "        unknown=bool(numpy.isnan(tip.data[10]).all()),\n"
        "        taps=held['taps'].to_dataframe()['stop_time'].tolist(),\n"
        "        amplitude=features.loc['amplitude_median'][['value', 'unit']].tolist(),\n"
        "        aperture=held['aperture'].unit, who=content.subject.subject_id,\n"
        "        age=content.subject.age, sex=content.subject.sex)\n"
        "found['problems'] = [m.check_function_name for m in inspect_nwbfile(path)\n"
        "                     if m.importance.name in ('CRITICAL', 'ERROR',\n"
        "                     'PYNWB_VALIDATION', 'BEST_PRACTICE_VIOLATION')]\n"
        "print(json.dumps(found))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", says], capture_output=True, text=True, check=True
    )
    found = json.loads(ran.stdout.splitlines()[-1])
    assert found == {
        "y": 209.0, "t": 2.966667, "sure": 0.2, "unknown": True, "taps": [1.0, 2.0],
        "amplitude": [0.8, "px"], "aperture": "pixels", "who": "Anna Mueller",
        "age": "P67Y", "sex": "F", "problems": [],
    }  # fmt: skip


def test_nwb_says_that_the_time_is_unknown_or_takes_it_from_the_manifest(tmp_path: Path) -> None:
    needs("pynwb", "ndx_pose")
    from pynwb import NWBHDF5IO  # noqa: PLC0415

    (tmp_path / "b").mkdir()
    (tmp_path / "c").mkdir()
    for folder, start, year in (("a", None, 1970), ("b", "2025-03-31T14:05:00+02:00", 2025)):
        (tmp_path / folder).mkdir(exist_ok=True)
        manifest = {"session_start_time": start} if start else {}
        done = exported(study(tmp_path / folder, **manifest), "nwb")
        with NWBHDF5IO(done.out / f"{EVIL}.nwb", "r") as stream:
            content = stream.read()
            assert content.session_start_time.year == year
            assert ("1970" in content.session_description) == (start is None)
    done = exported(study(tmp_path / "c", session_start_time="2025-03-31 14:05"), "nwb")
    assert "without a time zone" in done.not_exported[0].reason
    assert len(done.not_exported) == 3


def test_bids_holds_each_recording_with_sidecars(tmp_path: Path) -> None:
    done = exported(study(tmp_path), "bids")
    description = json.loads((done.out / "dataset_description.json").read_text())
    assert description["DatasetType"] == "derivative"
    people = rows_of(done.out / "participants.tsv", "\t")
    assert people == [
        {"participant_id": "sub-AnnaMueller", "group": "case", "age": "67"},
        {"participant_id": "sub-cmd", "group": "case", "age": "67"},
    ]
    start = "sub-AnnaMueller/ses-20250331/beh/sub-AnnaMueller_ses-20250331_task-fingertapping_" \
            "acq-left_run-1"  # fmt: skip
    events = rows_of(done.out / f"{start}_events.tsv", "\t")
    assert [row["onset"] for row in events] == ["0.000000", "1.000000"]
    meaning = json.loads((done.out / f"{start}_events.json").read_text())
    assert meaning["amplitude"]["Units"] == "px"
    (features,) = rows_of(done.out / f"{start}_desc-features_beh.tsv", "\t")
    assert (features["tap_count"], features["reason"], features["sparc"]) == ("12", "n/a", "-1.5")
    tables = sorted(done.out.rglob("*.tsv"))
    assert len(tables) == 8  # participants, three each of two, features of the failed one
    for table in tables:
        sidecar = json.loads(table.with_suffix(".json").read_text())
        assert set(rows_of(table, "\t")[0]) - {"participant_id"} <= set(sidecar)


def test_bids_passes_the_validator(tmp_path: Path) -> None:
    validator = shutil.which("bids-validator-deno", path=Path(sys.executable).parent)
    if validator is None:
        pytest.skip("needs the program bids-validator-deno beside the interpreter")
    done = exported(study(tmp_path), "bids")
    ran = subprocess.run(
        [validator, str(done.out), "--format", "json"], capture_output=True, text=True, check=False
    )
    issues = json.loads(ran.stdout)["issues"]["issues"]
    assert [issue for issue in issues if issue["severity"] == "error"] == []
    assert {issue["code"] for issue in issues} <= {
        "JSON_KEY_RECOMMENDED", "SIDECAR_KEY_RECOMMENDED", "TOO_FEW_AUTHORS",
    }  # fmt: skip


def test_spss_has_labels_and_codes(tmp_path: Path) -> None:
    needs("pyreadstat")
    import pyreadstat  # noqa: PLC0415

    done = exported(study(tmp_path, **{"with": "x", "Größe (cm)": "181"}), "sav")
    frame, meta = pyreadstat.read_sav(str(done.out))
    assert frame["status"].tolist() == [1, 2, 3]
    assert meta.variable_value_labels["status"] == {1: "ok", 2: "doubtful", 3: "failed"}
    assert frame["tap_count"].tolist()[:2] == [12, 12]
    assert np.isnan(frame["tap_count"][2])
    assert frame["recording"].tolist() == list(NAMES)
    assert meta.column_names_to_labels["tapping_rate_hz"].startswith("[Hz] taps / sum")
    assert meta.variable_measure["tapping_rate_hz"] == "scale"
    assert frame["with_2"][0] == "x"
    assert frame["Gr_e_cm"].tolist() == [181.0] * 3


def test_excel_holds_no_formula(tmp_path: Path) -> None:
    needs("openpyxl")
    import openpyxl  # noqa: PLC0415

    done = exported(study(tmp_path, **{"+note": "\x07-1+1"}), "xlsx")
    book = openpyxl.load_workbook(done.out)
    assert book.sheetnames == ["features", "dictionary"]
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells if cell.value is not None} == {"n", "s"}
    sheet = book["features"]
    place = {cell.value: cell.column for cell in sheet[1]}
    assert sheet.cell(3, place["recording"]).value == EVIL
    assert sheet.cell(3, place["recording"]).quotePrefix
    assert sheet.cell(2, place["noise"]).value == 4.05e-05
    assert sheet.cell(4, place["noise"]).value is None
    assert sheet.cell(2, place["+note"]).value == "\ufffd-1+1"
    units = {row[0].value: row[1].value for row in book["dictionary"].iter_rows(min_row=2)}
    assert (units["tapping_rate_hz"], units["cycle_speed"], units["reason"]) == (
        "Hz",
        "u/s",
        "text",
    )


def test_redcap_has_a_field_for_every_column(tmp_path: Path) -> None:
    done = exported(study(tmp_path, Age="x", record_id="7"), "redcap")
    records = rows_of(done.out / "redcap_data.csv")
    fields = rows_of(done.out / "redcap_dictionary.csv")
    names = [field["Variable / Field Name"] for field in fields]
    assert list(records[0]) == names
    assert len(set(names)) == len(names)
    assert [row["record_id"] for row in records] == ["Mueller/anna", "cmd", "sub-03"]
    assert records[1]["recording"] == f"'{EVIL}"
    assert [row["status"] for row in records] == ["1", "2", "3"]
    assert records[0]["noise"] == "0.0000405"
    assert (records[0]["age"], records[0]["age_2"], records[0]["record_id_2"]) == ("67", "x", "7")
    kind = {field["Variable / Field Name"]: field for field in fields}
    assert kind["status"]["Choices, Calculations, OR Slider Labels"] == (
        "1, ok | 2, doubtful | 3, failed"
    )
    assert kind["participant_id"]["Identifier?"] == "y"


def test_long_table_has_a_row_for_each_recording_and_feature(tmp_path: Path) -> None:
    table = study(tmp_path)
    done = exported(table, "long")
    assert done.out == tmp_path / "features-long.csv"
    rows = rows_of(done.out)
    assert len(rows) == 3 * len(FEATURES)
    units = {row["feature"]: row["unit"] for row in rows if row["recording"] == NAMES[0]}
    assert (units["amplitude_median"], units["cycle_speed"], units["tap_count"]) == (
        "px", "px/s", "",
    )  # fmt: skip
    values = {row["feature"]: row["value"] for row in rows if row["recording"] == "sub-03"}
    assert set(values.values()) == {""}
    assert {row["participant_id"] for row in rows} == {"Anna Mueller", f"'{EVIL}"}


@pytest.mark.parametrize("to", [one.name for one in FORMATS])
def test_deidentified_exports_hold_no_name_and_no_path(tmp_path: Path, to: str) -> None:
    chosen = next(one for one in FORMATS if one.name == to)
    needs(*chosen.modules)
    table = study(tmp_path, note="seen by Mueller", session_start_time="x")
    (tmp_path / "features.tapscope" / f"{EVIL}.taps.csv").unlink()
    done = exported(table, to, deidentify=True)
    files = [done.out] if done.out.is_file() else [f for f in done.out.rglob("*") if f.is_file()]
    assert files
    told = "\n".join(one.recording + one.reason for one in done.not_exported)
    texts = [told.encode(), *(str(file.relative_to(done.out)).encode() for file in files)]
    for file in files:
        if file.suffix == ".xlsx":
            unpacked = tmp_path / "unpacked"
            shutil.unpack_archive(file, unpacked, "zip")
            texts += [part.read_bytes() for part in unpacked.rglob("*") if part.is_file()]
        else:
            texts.append(file.read_bytes())
    everything = b"\n".join(texts).lower()
    for name in (b"anna", b"mueller", b"cmd", b"sub-03", b"2025-03", b"/ward", b".mp4",
                 str(tmp_path).lower().encode()):  # fmt: skip
        assert name not in everything, name
    numbered = b"participant01" if to == "bids" else b"recording-001"
    assert numbered in everything or numbered in " ".join(map(str, files)).encode()


def test_deidentified_keeps_the_columns_that_are_named(tmp_path: Path) -> None:
    table = study(tmp_path)
    done = export_table(table, "long", deidentify=True, keep=("group",))
    rows = rows_of(done.out)
    assert rows[0]["group"] == "case"
    assert "age" not in rows[0]
    people = {row["recording"]: row["participant_id"] for row in rows}
    assert people == {
        "recording-001": "participant-01", "recording-002": "participant-02",
        "recording-003": "participant-01",
    }  # fmt: skip
    with pytest.raises(ResultsError, match="'tap_count' is no column of the manifest"):
        export_table(table, "long", tmp_path / "x.csv", deidentify=True, keep=("tap_count",))


def test_a_missing_library_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tapscope.errors.find_spec", lambda module: None)
    for to, extra in (("dlc", "dlc"), ("nwb", "nwb"), ("sav", "spss"), ("xlsx", "xlsx")):
        with pytest.raises(OutputError, match=rf'pip install "tapscope\[{extra}\]"'):
            export_table(study(tmp_path), to)


def test_an_output_that_exists_stays(tmp_path: Path) -> None:
    table = study(tmp_path)
    out = exported(table, "long").out
    with pytest.raises(OutputError, match="exists"):
        export_table(table, "long")
    for folder in ("bids", "redcap"):
        out = tmp_path / folder
        out.mkdir()
        (out / "mine").touch()
        with pytest.raises(OutputError, match="exists"):
            export_table(table, folder, out)


def test_damaged_tracks_cost_their_own_recording(tmp_path: Path) -> None:
    needs("tables")
    table = study(tmp_path)
    tracks = tmp_path / "features.tapscope" / "Mueller" / "anna.tracks.csv"
    tracks.write_text(tracks.read_text().replace("frame", "picture", 1))
    ran = run("export", table, "--to", "dlc")
    assert ran.exit_code == 1
    assert "not exported: Mueller/anna" in ran.stderr
    assert "has no column 'frame'" in ran.stderr
    assert "1 of 3 recordings" in ran.stdout
    assert [file.name for file in (tmp_path / "features-dlc").rglob("*.h5")] == [
        f"{EVIL}DLC_tapscope.h5"
    ]


def test_a_cell_that_is_no_number_leaves_nothing_behind(tmp_path: Path) -> None:
    table = study(tmp_path)
    table.write_text(table.read_text().replace("4.05e-05", "high", 1))
    before = sorted(tmp_path.iterdir())
    for to in ("bids", "redcap", "long"):
        with pytest.raises(ResultsError, match="noise is 'high', not a number"):
            export_table(table, to)
    assert sorted(tmp_path.iterdir()) == before


def test_names_stay_apart() -> None:
    names: Mapping[str, str] = unique_names(
        ["a-b", "A b", "ab", "1", "", "with"], r"[^A-Za-z0-9]+", "_", "v_", longest=4,
        taken=("with",),
    )  # fmt: skip
    assert list(names.values()) == ["a_b", "A__2", "ab", "v_1", "v_", "wi_2"]


def test_small_texts() -> None:
    assert [harmless(text) for text in ("=1", "+1", "-1", "@a", "a=1", "")] == [
        "'=1", "'+1", "'-1", "'@a", "a=1", "",
    ]  # fmt: skip
    assert [plain_number(value) for value in (1e-7, 12.0, -0.5, None)] == [
        "0.0000001", "12", "-0.5", "",
    ]  # fmt: skip
