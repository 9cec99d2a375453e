"""Tests of what a newcomer reads first: the README, the pages of docs/ and their commands."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest
import typer
import typer.main
from typer.core import TyperCommand, TyperGroup, TyperOption

from tapscope.cli import app
from tapscope.features import FEATURES

ROOT = Path(__file__).resolve().parents[1]
README_FILE = ROOT / "README.md"
README = README_FILE.read_text(encoding="utf-8")
PAGES = sorted((ROOT / "docs").glob("*.md"))
DOCUMENTS = [README_FILE, *PAGES]
CLUMSY = (
    r"from nothing",
    r"goe?s? before (what )?the",
    r"is done is not done",
    r"\bby chance\b",
    r"\bit is chance\b|\bis chance here\b",
    r"which is measured|by which is|what is measured",
    r"give[ns]? (\w+ ){0,3}up after",
    r"tried before",
    r"\bsurest\b",
    r"\btold\b",
    r"\brivals?\b",
    r"\bjoints?\b",
    r"\bkey points?\b",
)
"""Words and turns that the pages no longer use; see docs/glossary.md for those that they use."""


Command = TyperCommand | TyperGroup


def commands() -> dict[str, Command]:
    """Every command of the program by its words, such as 'benchmark networks'."""

    def below(command: object, words: tuple[str, ...]) -> Iterator[tuple[str, Command]]:
        if isinstance(command, TyperGroup):
            if command.invoke_without_command:
                yield " ".join(words), command
            for name, child in command.commands.items():
                yield from below(child, (*words, name))
        else:
            assert isinstance(command, TyperCommand)
            yield " ".join(words), command

    return dict(below(typer.main.get_command(app), ()))


COMMANDS = commands()


def options_of(command: Command) -> set[str]:
    """Return the long options of a command, except --help."""
    return {
        name
        for parameter in command.params
        if isinstance(parameter, TyperOption)
        for name in (*parameter.opts, *parameter.secondary_opts)
        if name.startswith("--") and name != "--help"
    }


def without_code(text: str) -> str:
    """Return a page without its commands and names."""
    text = re.sub(r"^(?: {4}|\t).*$", "", text, flags=re.MULTILINE)
    return re.sub(r"`[^`]*`", "", text)


def headings(page: Path) -> dict[str, str]:
    """Return the headings of a page by the anchors that GitHub gives them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-"): title for title in titles}


def links(page: Path) -> list[tuple[Path, str]]:
    """Return the files that a page links to, and the anchors within them."""
    found = re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
    parts = [link.partition("#") for link in found if "://" not in link]
    return [((page.parent / path).resolve() if path else page, anchor) for path, _, anchor in parts]


def shown_lines(page: Path) -> list[str]:
    """Return the lines of commands that a page shows, each command of a chain apart."""
    lines = re.findall(r"^ {4}(.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [part.strip() for line in lines for part in line.split(" && ")]


def shown_commands() -> list[tuple[str, list[str]]]:
    """Return every `tapscope ...` line of the documents, with the page it stands on."""
    return [
        (page.name, shlex.split(line)[1:])
        for page in DOCUMENTS
        for line in shown_lines(page)
        if re.match(r"(\.venv/bin/)?tapscope ", line)
    ]


def split_command(words: list[str]) -> tuple[str, list[str]]:
    """Split the words of a command line into the command's name and its arguments."""
    for length in (2, 1):
        if " ".join(words[:length]) in COMMANDS:
            return " ".join(words[:length]), words[length:]
    raise AssertionError(f"tapscope has no command {' '.join(words)!r}")


def test_ci_ends_with_the_readmes_test_command() -> None:
    last = (ROOT / ".ci" / "run").read_text().strip().splitlines()[-1]
    assert last.startswith(".venv/bin/pytest")
    assert f"&& {last}\n" in README


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    found = links(page)
    assert [str(target) for target, _ in found if not target.exists()] == []
    lost = [f"{target.name}#{anchor}" for target, anchor in found if anchor]
    known = [f"{target.name}#{a}" for target, _ in found if target.suffix == ".md"
             for a in headings(target)]  # fmt: skip
    assert set(lost) <= set(known)


def test_every_page_and_image_is_reached_from_the_readme() -> None:
    reached, waiting = {README_FILE}, [README_FILE]
    while waiting:
        page = waiting.pop()
        for target, _ in links(page):
            if target not in reached:
                reached.add(target)
                waiting += [target] if target.suffix == ".md" else []
    wanted = {file for file in (ROOT / "docs").iterdir() if file.suffix in {".md", ".png", ".svg"}}
    assert len(wanted) > 15
    assert sorted(str(file) for file in wanted - reached) == []


def test_every_page_is_in_the_menu_of_the_site() -> None:
    menu = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2]
    assert sorted(re.findall(r": (\S+\.md)$", menu, re.MULTILINE)) == sorted(p.name for p in PAGES)


def test_every_command_has_a_heading() -> None:
    titles = {title for page in PAGES for title in headings(page).values()}
    parents = {name: name.removesuffix(" show") for name in COMMANDS}
    assert {f"tapscope {parent}" for parent in parents.values()} <= titles


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_option_table_holds_the_commands_options(name: str) -> None:
    pages = [page for page in PAGES if f"tapscope {name}" in headings(page).values()]
    wanted = options_of(COMMANDS[name])
    if not wanted:
        return
    (page,) = pages
    # a page may explain several commands
    _, _, part = page.read_text(encoding="utf-8").partition(f"# tapscope {name}\n")
    part = re.split(r"^#+ tapscope ", part, flags=re.MULTILINE)[0]
    rows = re.findall(r"^\| (`--.*?) \| ", part, flags=re.MULTILINE)
    assert {option for row in rows for option in re.findall(r"--[\w-]+", row)} == wanted


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: page.name)
def test_named_options_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    places = [(ROOT / "tests" / "bench").glob("*.py"), (ROOT / "packaging").glob("*.py")]
    files = [*chain(*places), *(f for f in (ROOT / "examples").rglob("*") if f.is_file())]
    theirs = re.findall(r"--[a-z][\w-]+", "\n".join(file.read_text() for file in files))
    others = {"--editable", "--cov", "--cov-branch", "--rm", *theirs}
    others |= {"--torch-backend", "--pip-args"}  # of uv and pipx
    known = others | {option for command in COMMANDS.values() for option in options_of(command)}
    named = set(re.findall(r"(?<![\w-])--[a-z][\w-]*", text))
    named -= {f"--{anchor.split('---')[-1]}" for _, anchor in links(page) if "---" in anchor}
    assert named - known == set()


def test_shown_commands_parse() -> None:
    shown = shown_commands()
    assert len(shown) > 20
    for page, words in shown:
        name, arguments = split_command(words)
        command = COMMANDS[name]
        synopsis = any(re.search(r"[\[\]|]|\.\.\.", word) for word in words)
        if synopsis:
            options = re.findall(r"--[a-z][\w-]*", " ".join(arguments))
            assert set(options) <= options_of(command), f"{page}: {' '.join(words)}"
        else:
            until = arguments.index(">") if ">" in arguments else len(arguments)
            command.make_context(name, arguments[:until])


def test_shown_modules_and_files_of_the_project_exist() -> None:
    lines = [line for page in DOCUMENTS for line in shown_lines(page)]
    modules = {module for line in lines for module in re.findall(r"python -m ([\w.]+)", line)}
    assert "tests.bench.study" in modules
    modules -= {"venv", "pip"}
    assert [m for m in modules if not (ROOT / f"{m.replace('.', '/')}.py").exists()] == []
    files = {word for line in lines for word in line.split() if word.startswith("tests/")}
    assert files
    assert [file for file in files if not (ROOT / file).exists()] == []


def test_every_feature_is_explained() -> None:
    text = (ROOT / "docs" / "outputs.md").read_text(encoding="utf-8")
    table = text[text.index("### Features") : text.index("## NAME.tracks.csv")]
    named = set(
        re.findall(r"`(\w+)`", "\n".join(re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)))
    )
    assert named == {feature.name for feature in FEATURES}


def test_weights_page_counts_the_images_of_the_cards() -> None:
    text = (ROOT / "docs" / "weights.md").read_text(encoding="utf-8")
    cards = sorted((ROOT / "weights").glob("*.toml"))
    assert cards
    for file in cards:
        card = tomllib.loads(file.read_text(encoding="utf-8"))
        part = text[text.index(f"## {file.stem}\n") :]
        images = sum(each["images"] for each in card["trained_on"])
        assert f"({card['sha256'][:12]})" in part.split("\n## ")[0]
        assert f"{images:,} images" in part.split("\n## ")[0]


@pytest.mark.parametrize("page", [*DOCUMENTS, ROOT / "CHANGELOG.md"], ids=lambda page: page.name)
def test_pages_are_in_plain_english(page: Path) -> None:
    text = without_code(page.read_text(encoding="utf-8"))
    found = [hit.group() for turn in CLUMSY for hit in re.finditer(turn, text, re.IGNORECASE)]
    assert found == []


def test_sample_is_whole() -> None:
    study = ROOT / "tests" / "data" / "clinic"
    videos = sorted(file.stem for file in (study / "videos").iterdir())
    assert len(videos) == 3
    for name in videos:
        assert (study / "sensor" / f"{name}.csv").exists()
        assert (study / "sensor" / f"{name}.json").exists()
        assert (study / "truth" / f"{name}.json").exists()
