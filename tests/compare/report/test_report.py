"""What `tapscope compare` writes and prints: files, and one page that needs nothing else."""

import hashlib
import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tapscope.agreement import Estimate
from tapscope.cli import app
from tapscope.cli.console.compare import print_comparison
from tapscope.compare import ClockRule, Options, compare_study
from tapscope.compare.output import write_comparison
from tapscope.compare.records import Comparison
from tapscope.compare.report.figure_selection import draw
from tapscope.compare.report.grras import grras_items
from tapscope.compare.report.html import number, p_value, with_interval
from tapscope.compare.report.page import report_page
from tapscope.errors import OutputError
from tests.paired_study import made_up

# Names that are markup: nothing of them may reach the page unescaped.
NAMES = (
    "sub-01_hand-left_run-1_<b>&amp;",
    "sub-02_hand-right_run-1_{{ 7 * 7 }}",
    'sub-03_hand-left_run-1_"><script>alert(1)<',
)
FLOW = "recordings in the table"


class Page(HTMLParser):
    """Collects tags, attributes and texts; fails on tags that do not nest."""

    VOID = frozenset({"meta", "link", "img", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text.append(data)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with names that are markup, compared and written to out/."""
    folder = tmp_path_factory.mktemp("written")
    made_up(folder, NAMES)
    return folder


@pytest.fixture(scope="module")
def found(folder: Path) -> Comparison:
    """The study compared, and written to out/."""
    options = options_of(folder)
    return write_comparison(compare_study(options), options, ["tapscope", "compare", "<x>"])


@pytest.fixture(scope="module")
def page(folder: Path, found: Comparison) -> Page:
    """The page, parsed."""
    assert found.provenance
    return Page((folder / "out" / "report.html").read_text())


def options_of(folder: Path, out: str = "out", **changes: object) -> Options:
    plain = Options(
        sensor=folder / "logs",
        features=folder / "features.csv",
        out=folder / out,
        margins={"tapping_rate_hz": 0.1},
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def bare(found: Comparison) -> Comparison:
    """Add a provenance as `write_comparison` does."""
    told = {"tapscope_version": "0", "utc_time": "then", "weights": "w"}
    return replace(found, provenance=told)


def test_the_page_needs_nothing_from_outside(page: Page) -> None:
    assert page.open == []
    assert not {"script", "iframe", "object", "embed", "form"} & {tag for tag, _ in page.tags}
    for tag, attributes in page.tags:
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href", "srcset", "data"):
            target = attributes.get(name, "data:")
            assert target.startswith(("data:", "#")), (tag, target)
    policy = next(a for tag, a in page.tags if tag == "meta" and "http-equiv" in a)
    assert "default-src 'none'" in policy["content"]


@pytest.mark.usefixtures("found")
def test_styles_fetch_nothing_and_fit_print_and_narrow_screens(folder: Path) -> None:
    style = (folder / "out" / "report.html").read_text().split("<style>")[1].split("</style>")[0]
    assert "@import" not in style
    assert "url(" not in style
    assert "@media print" in style
    assert "overflow-x: auto" in style


def test_names_are_text_not_markup(page: Page) -> None:
    text = " ".join(page.text)
    for name in NAMES:
        assert name in text
    assert "49" not in {part.strip() for part in page.text if "sub-02" in part}
    assert "b" not in {tag for tag, attributes in page.tags if attributes.get("class") == "n"}


def test_every_figure_has_a_text(page: Page) -> None:
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert len(images) > 10
    assert all(image["alt"] and image["src"].startswith("data:image/svg+xml") for image in images)


def test_links_within_the_page_have_targets(page: Page) -> None:
    targets = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    links = {a["href"].removeprefix("#") for tag, a in page.tags if tag == "a"}
    assert links == targets
    assert "grras" in targets


def test_the_page_has_what_a_reviewer_asks_for(page: Page) -> None:
    text = " ".join(page.text)
    for wanted in (
        "aligned from the measured movements",
        "different units",
        "within 50 ms",
        "Carkeet",
        "Equivalence within prespecified margins",
        "to be written",
        FLOW,
    ):
        assert wanted in text, wanted


def test_grras_has_fifteen_items_and_marks_what_only_authors_know(found: Comparison) -> None:
    items = grras_items(found)
    assert [item.number for item in items] == list(range(1, 16))
    authors = [item.number for item in items if item.filled == "authors"]
    assert authors == [1, 3, 5, 7, 12, 14]
    assert all(item.answer for item in items if item.filled != "authors")
    assert "0.1" in items[13].answer


@pytest.mark.usefixtures("found")
def test_all_files_are_written_and_hashed(folder: Path) -> None:
    record = json.loads((folder / "out" / "run.json").read_text())
    on_disk = {p.relative_to(folder / "out").as_posix() for p in (folder / "out").rglob("*.*")}
    assert on_disk == {*record["files"], "run.json"}
    assert {
        "agreement.csv", "pairs.csv", "taps.csv", "sync.csv", "exclusions.csv", "report.html",
        "figures/rates.svg", "figures/rates.png", "figures/bland-altman_tapping_rate_hz.svg",
        "figures/identity_tapping_rate_hz.png", "figures/unlike_amplitude_median.svg",
        f"figures/traces/{NAMES[0]}.svg",
    } <= on_disk  # fmt: skip
    table = hashlib.sha256((folder / "features.csv").read_bytes()).hexdigest()
    assert record["sha256"]["features"] == table
    assert set(record["sha256"]["sensors"]) == {f"{name}.csv" for name in NAMES}
    assert record["options"]["margins"] == {"tapping_rate_hz": 0.1}
    assert record["command"] == "tapscope compare '<x>'"
    assert record["seed"] is None


@pytest.mark.usefixtures("found")
def test_a_second_run_gives_the_same_bytes_and_removes_stale_figures(folder: Path) -> None:
    first, second = folder / "out", folder / "again"
    (second / "figures").mkdir(parents=True)
    (second / "figures" / "old.svg").write_text("old")
    (second / "figures" / "mine.svg").write_text("not ours")
    (second / "run.json").write_text('{"files": ["figures/old.svg", "../features.csv"]}')
    options = options_of(folder, "again")
    write_comparison(compare_study(options), options, ["tapscope", "compare", "<x>"])
    assert not (second / "figures" / "old.svg").exists()
    assert (second / "figures" / "mine.svg").exists()
    assert (folder / "features.csv").exists()
    for name in json.loads((first / "run.json").read_text())["files"]:
        if name != "report.html":
            assert (first / name).read_bytes() == (second / name).read_bytes(), name
    # The moment, and the commit of a checkout in which somebody works meanwhile.
    told = rb"\d{4}-\d\d-\d\dT[\d:+]+|\b[0-9a-f]{40}(-changed)?\b"
    undated = [re.sub(told, b"", (out / "report.html").read_bytes()) for out in (first, second)]
    assert undated[0] == undated[1]


def test_an_output_that_cannot_be_written_is_named(
    folder: Path, found: Comparison, tmp_path: Path
) -> None:
    (tmp_path / "out").write_text("a file, no folder")
    options = options_of(folder, out=str(tmp_path / "out"))
    with pytest.raises(OutputError, match="cannot be written"):
        write_comparison(replace(found, recordings=(), rows=()), options, [])


def test_a_study_without_clocks_still_has_a_page(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = bare(compare_study(options_of(folder, clock=ClockRule(align=False))))
    plates = list(draw(replace(found, rows=())))
    assert {plate.group for plate in plates} == {"rates"}
    text = " ".join(Page(report_page(found, plates).decode()).text)
    assert "The clocks are not known to agree in any recording" in text
    assert "not synchronised (--no-sync)" in text
    print_comparison(found, Path("out"))
    assert "tapping_rate_hz" in capsys.readouterr().out


def test_the_verb_writes_prints_and_tells_by_its_exit_code(folder: Path) -> None:
    common = ["compare", "--sensor", str(folder / "logs"), "--out", str(folder / "verb")]
    table = ["--features", str(folder / "features.csv")]
    done = CliRunner().invoke(app, [*common, *table, "--no-sync", "--margin", "sparc=0.2"])
    assert done.exit_code == 0, done.output
    assert FLOW in done.output
    assert (folder / "verb" / "report.html").is_file()
    for wrong in (["--margin", "sparc"], ["--sync-cue", "a=1"], ["--sync-cue", "1=b"]):
        assert CliRunner().invoke(app, [*common, *table, *wrong]).exit_code == 2


def test_the_verb_fails_softly_where_a_log_is_bad(folder: Path) -> None:
    log = folder / "logs" / f"{NAMES[2]}.csv"
    content = log.read_bytes()
    log.write_text("nothing")
    paths = {"--sensor": "logs", "--features": "features.csv", "--out": "soft"}
    given = [part for name, path in paths.items() for part in (name, str(folder / path))]
    done = CliRunner().invoke(app, ["compare", *given, "--no-sync", "--quiet"])
    log.write_bytes(content)
    assert done.exit_code == 1
    assert done.output == ""
    assert NAMES[2].split("_", maxsplit=1)[0] in (folder / "soft" / "exclusions.csv").read_text()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0032, "0.00320"),
        (-0.000312, "−0.000312"),
        (-0.0466, "−0.0466"),
        (12.345, "12.3"),
        (0.99991, "1.00"),
        (1234.5, "1234"),
        (-0.00001234, "−1.23e−05"),
        (1.5e6, "1.50e+06"),
        (0.0, "0.00"),
        (math.nan, "–"),
    ],
)
def test_numbers_are_written_for_reading(value: float, text: str) -> None:
    assert number(value) == text


def test_intervals_and_p_values() -> None:
    estimate = Estimate("bias", 0.5, -0.25, 1.25, 0.95, "", 5)
    assert with_interval(estimate) == "0.500 [−0.250, 1.25]"
    assert with_interval(replace(estimate, low=math.nan, high=math.nan)) == "0.500"
    assert with_interval(None) == "–"
    assert (p_value(0.0004), p_value(0.25), p_value(math.nan)) == ("< 0.001", "0.250", "–")
