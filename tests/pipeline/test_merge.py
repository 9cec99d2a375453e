"""Tests of shards and of merging them: the table of one run, or a clear refusal."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tapscope.cli.console.log import SilentListener
from tapscope.errors import OutputError
from tapscope.pipeline.analyze import Options, analyze_videos
from tapscope.pipeline.merge import Merged, merge_shards
from tapscope.pipeline.recordings import Recording
from tapscope.pipeline.shards import Shard
from tests.pipeline.test_batch import tree
from tests.tapping import SeeDiscs, write_clip

COUNT = 3


def run(options: Options) -> Path:
    analyze_videos(options, SilentListener(), ["tests"], SeeDiscs())
    return options.table


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Options:
    """Return a study of seven recordings, two of which fail, analysed whole and in shards."""
    place = tmp_path_factory.mktemp("study")
    for n, rate_hz in enumerate((2.0, 2.5, 3.0, 3.5)):
        write_clip(place / "videos" / f"sub-{n}, hand-left.mp4", rate_hz=rate_hz)
    write_clip(place / "videos" / "b" / "sub-1.mp4")
    write_clip(place / "videos" / "b" / "stumble.mp4")
    (place / "videos" / "text.mp4").write_text("no video")
    (place / "m.csv").write_text('recording,hand,group\nb/sub-1,right,"a ""b"""\n')
    weights = place / "weights"
    weights.write_bytes(b"discs")
    options = Options(
        [place / "videos"], place / "features.csv", weights=weights, manifest=place / "m.csv"
    )
    run(options)
    run(replace(options, out=place / "features.parquet"))
    for shard in shards_of(options):
        run(shard)
        run(replace(shard, out=place / "features.parquet"))
    return options


def shards_of(options: Options, count: int = COUNT) -> list[Options]:
    return [replace(options, shard=Shard(n, count)) for n in range(1, count + 1)]


def tables(options: Options) -> list[Path]:
    return [shard.table for shard in shards_of(options)]


def merged(options: Options, out: Path) -> Merged:
    return merge_shards(tables(options), out, ["tests"])


@pytest.mark.parametrize("text", ["1/4", " 4/4 ", "1/1"])
def test_a_shard_is_read(text: str) -> None:
    assert str(Shard.parse(text)) == text.strip()


@pytest.mark.parametrize("text", ["0/4", "5/4", "1", "1/0", "-1/4", "a/b", "1/4/2", "", "²/4"])
def test_no_shard(text: str) -> None:
    with pytest.raises(ValueError, match="the first of four is 1/4"):
        Shard.parse(text)


@pytest.mark.parametrize("count", [1, 2, 5, 12])
def test_shards_divide_all_recordings(count: int) -> None:
    recordings = [Recording(Path(f"{n}.mp4"), f"{n}", f"{n}.mp4") for n in range(9)]
    parts = [Shard(n, count).select(recordings) for n in range(1, count + 1)]
    assert sorted((r for part in parts for r in part), key=lambda r: r.name) == recordings
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_each_shard_has_a_table_of_its_own(study: Options) -> None:
    assert [path.name for path in tables(study)] == [
        "features.shard-1-of-3.csv",
        "features.shard-2-of-3.csv",
        "features.shard-3-of-3.csv",
    ]


def test_merged_results_are_those_of_one_run(study: Options, tmp_path: Path) -> None:
    out = tmp_path / "features.csv"
    result = merge_shards(reversed_tables(study), out, ["tests"])
    assert out.read_bytes() == study.out.read_bytes()
    assert tree(out.with_suffix(".tapscope")) == tree(study.out.with_suffix(".tapscope"))
    assert (result.shards, dict(result.statuses), result.notes) == (3, {"ok": 5, "failed": 2}, ())
    record = json.loads((out.with_suffix(".tapscope") / "run.json").read_text())
    whole = json.loads((study.out.with_suffix(".tapscope") / "run.json").read_text())
    without_time = [
        [{**each, "seconds": 0} for each in one["recordings"]] for one in (record, whole)
    ]
    assert without_time[0] == without_time[1]
    assert set(whole) <= set(record)
    assert [each["recordings"] for each in record["shards"]] == [3, 2, 2]


def reversed_tables(options: Options) -> list[Path]:
    return tables(options)[::-1]


@pytest.mark.parametrize(("source", "target"), [("parquet", "parquet"), ("csv", "parquet"),
                                                ("parquet", "csv")])  # fmt: skip
def test_parquet(study: Options, tmp_path: Path, source: str, target: str) -> None:
    out = tmp_path / f"features.{target}"
    merged(replace(study, out=study.out.with_suffix(f".{source}")), out)
    assert out.read_bytes() == study.out.with_suffix(f".{target}").read_bytes()


def test_a_run_goes_on_from_merged_results(study: Options, tmp_path: Path) -> None:
    out = tmp_path / "features.csv"
    merged(study, out)
    result = analyze_videos(replace(study, out=out), SilentListener(), ["tests"], SeeDiscs())
    assert result.reused == 6  # all but the one that met a fault of the program
    assert out.read_bytes() == study.out.read_bytes()


def test_merging_again_removes_files_of_another_outcome(study: Options, tmp_path: Path) -> None:
    out = tmp_path / "features.csv"
    stale = tmp_path / "features.tapscope" / "text.tracks.csv"
    stale.parent.mkdir()
    stale.touch()
    merged(study, out)
    assert not stale.exists()


def test_more_shards_than_recordings(study: Options, tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    for name in ("a", "b"):
        (tmp_path / "videos" / f"{name}.mp4").write_text("no video")
    mine = replace(study, videos=[tmp_path / "videos"], out=tmp_path / "f.csv", manifest=None)
    merge_shards([run(part) for part in shards_of(mine)], tmp_path / "all.csv", ["tests"])
    run(mine)
    assert (tmp_path / "all.csv").read_bytes() == mine.out.read_bytes()


def copy_of(study: Options, tmp_path: Path) -> Options:
    """Return the study with shards of its own, to be damaged."""
    mine = replace(study, out=tmp_path / "features.csv")
    for ours, path in zip(tables(study), tables(mine), strict=True):
        path.write_bytes(ours.read_bytes())
        for name, content in tree_with_record(ours.with_suffix(".tapscope")).items():
            file = path.with_suffix(".tapscope") / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
    return mine


def tree_with_record(folder: Path) -> dict[str, bytes]:
    return {**tree(folder), "run.json": (folder / "run.json").read_bytes()}


def changed(path: Path, change: Callable[[dict[str, object]], object]) -> None:
    record = path.with_suffix(".tapscope") / "run.json"
    content = json.loads(record.read_text())
    change(content)
    record.write_text(json.dumps(content))


def test_missing_and_doubled_shards_are_refused(study: Options, tmp_path: Path) -> None:
    one, two, three = tables(study)
    out = tmp_path / "features.csv"
    with pytest.raises(OutputError, match=r"1 of 3 shards are missing: 2;"):
        merge_shards([one, three], out, [])
    with pytest.raises(OutputError, match=r"is shard 2 of 3, as is .*; give one"):
        merge_shards([one, two, three, two], out, [])
    with pytest.raises(OutputError, match=r"none.csv: is missing; run this shard"):
        merge_shards([one, tmp_path / "none.csv"], out, [])
    with pytest.raises(OutputError, match="was not made with --shard"):
        merge_shards([study.out], out, [])
    with pytest.raises(OutputError, match="is one of the shards"):
        merge_shards([one, two, three], two, [])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.update(tapscope_version="0.0.9"), "was made with tapscope 0.0.9"),
        (lambda r: r.update(commit="abc"), "the commit of tapscope differs"),
        (lambda r: r["weights"].update(sha256="1"), "the weights' hash differs"),
        (lambda r: r["protocol"].update(sha256="1"), "the protocol's hash differs"),
        (lambda r: r["options"].update(device="cuda"), "the option device differs"),
        (lambda r: r["division"].update(sha256="1"), "the list of recordings"),
        (lambda r: r["division"].update(recordings=9), "the number of recordings found differs"),
        (lambda r: r["division"].update(shards=4), "the number of shards differs"),
        (lambda r: r.update(interrupted=True), "was interrupted; run this shard again"),
        (lambda r: r["recordings"].pop(), "its rows are not those of"),
    ],
)
def test_shards_that_do_not_belong_together_are_refused(
    study: Options, tmp_path: Path, change: Callable[[dict[str, object]], object], message: str
) -> None:
    mine = copy_of(study, tmp_path)
    changed(tables(mine)[1], change)
    with pytest.raises(OutputError, match=message):
        merged(mine, tmp_path / "all.csv")
    assert not (tmp_path / "all.csv").exists()


def test_a_video_added_between_shards_is_refused(study: Options, tmp_path: Path) -> None:
    videos = tmp_path / "videos"
    videos.mkdir()
    for n in range(3):
        (videos / f"{n}.mp4").write_text("no video")
    one, two = shards_of(replace(study, videos=[videos], out=tmp_path / "f.csv", manifest=None), 2)
    run(one)
    (videos / "2.mp4").rename(videos / "00.mp4")
    run(two)
    with pytest.raises(OutputError, match="the list of recordings"):
        merge_shards([one.table, two.table], tmp_path / "all.csv", [])


def test_damaged_shards_are_refused(study: Options, tmp_path: Path) -> None:
    mine, out = copy_of(study, tmp_path), tmp_path / "all.csv"
    first = tables(mine)[0]
    whole = first.read_bytes()
    first.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(OutputError, match="is damaged"):
        merged(mine, out)
    first.write_bytes(whole[: whole.rindex(b"\n", 0, -1) + 1])
    with pytest.raises(OutputError, match="its rows are not those of"):
        merged(mine, out)
    first.write_bytes(whole.replace(b",ok,", b",doubtful,", 1))
    with pytest.raises(OutputError, match="is not that of its files"):
        merged(mine, out)
    first.write_bytes(whole.replace(b"video,", b"film,", 1))
    with pytest.raises(OutputError, match="its columns are not those"):
        merged(mine, out)
    first.write_bytes(whole)
    folder = first.with_suffix(".tapscope")
    taps = next(folder.rglob("*.taps.csv"))
    taps.write_bytes(taps.read_bytes()[:-1])
    with pytest.raises(OutputError, match=r"taps\.csv: is damaged"):
        merged(mine, out)
    taps.unlink()
    with pytest.raises(OutputError, match=r"taps\.csv: cannot be read"):
        merged(mine, out)
    for row in folder.rglob("*.row.json"):
        row.write_text("{}")
    with pytest.raises(OutputError, match=r"row\.json: is damaged"):
        merged(mine, out)
    assert not out.exists()


def test_missing_and_doubled_recordings_are_refused(study: Options, tmp_path: Path) -> None:
    mine = copy_of(study, tmp_path)
    one, two, _ = tables(mine)
    whole = two.read_bytes()
    two.write_bytes(whole[: whole.rindex(b"\n", 0, -1) + 1])
    changed(two, lambda record: record["recordings"].pop())  # type: ignore[attr-defined]
    with pytest.raises(OutputError, match="the shards hold 6 of 7 recordings"):
        merged(mine, tmp_path / "all.csv")
    two.write_bytes(one.read_bytes())
    record = one.with_suffix(".tapscope") / "run.json"
    (two.with_suffix(".tapscope") / "run.json").write_bytes(record.read_bytes())
    changed(two, lambda record: record["division"].update(shard=2))  # type: ignore[attr-defined]
    with pytest.raises(OutputError, match="is in two shards"):
        merged(mine, tmp_path / "all.csv")


def test_other_machines_are_noted(study: Options, tmp_path: Path) -> None:
    mine = copy_of(study, tmp_path)

    def elsewhere(record: dict[str, object]) -> None:
        record["packages"]["numpy"] = "1.0"  # type: ignore[index]
        record["recordings"][0]["engine"] = "torch cuda"  # type: ignore[index]

    changed(tables(mine)[1], elsewhere)
    notes = merged(mine, tmp_path / "all.csv").notes
    assert notes == (
        "not all recordings ran on the same engine: discs (4), torch cuda (1)",
        "not all shards had the same versions of numpy",
    )
