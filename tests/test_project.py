"""Tests of what a newcomer reads first."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


def test_ci_ends_with_the_readmes_test_command() -> None:
    last = (ROOT / ".ci" / "run").read_text().strip().splitlines()[-1]
    assert last.startswith(".venv/bin/pytest")
    assert f"&& {last}\n" in README


def test_links_of_the_readme_lead_somewhere() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]
    assert len(links) > 5
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_sample_is_whole() -> None:
    study = ROOT / "tests" / "data" / "study"
    videos = sorted(file.stem for file in (study / "videos").iterdir())
    assert len(videos) == 3
    for name in videos:
        assert (study / "sensor" / f"{name}.csv").exists()
        assert (study / "sensor" / f"{name}.json").exists()
        assert (study / "truth" / f"{name}.json").exists()
