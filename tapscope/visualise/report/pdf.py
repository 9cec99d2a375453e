"""The report as PDF, printed by Chromium without a window."""

import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tapscope.errors import OutputError
from tapscope.output.table import write_result

BROWSERS: Final = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "msedge",
    "microsoft-edge",
)
"""Programs that print a page without a window, in the order in which they are looked for."""
LONGEST_S: Final = 900
"""A study of 500 recordings takes some minutes on a slow machine."""


def find_browser() -> str:
    """Return the path of a browser that can print.

    Raises
    ------
    OutputError
        There is none.
    """
    for name in BROWSERS:
        if found := shutil.which(name):
            return found
    raise OutputError(
        "--pdf needs Chromium, Chrome or Edge, and none is on this machine; install one, or open "
        "the page in your browser and print it to a PDF file"
    )


def write_pdf(page: Path, out: Path) -> None:
    """Print a page to a PDF file: an A4 sheet for each recording.

    Raises
    ------
    OutputError
        There is no browser, it cannot print, or the file cannot be written.
    """
    browser = find_browser()
    with TemporaryDirectory() as folder:
        printed = Path(folder, "page.pdf")
        command = [
            browser,
            "--headless=new",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
            "--no-first-run",
            "--no-pdf-header-footer",
            f"--user-data-dir={Path(folder, 'profile')}",
            f"--print-to-pdf={printed}",
            page.resolve().as_uri(),
        ]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.insert(1, "--no-sandbox")  # Chromium refuses to run as root with its sandbox
        try:
            done = subprocess.run(command, capture_output=True, check=False, timeout=LONGEST_S)
        except (OSError, subprocess.TimeoutExpired) as problem:
            raise OutputError(
                f"{out}: {browser} could not print ({problem}); open {page} and print it yourself"
            ) from problem
        if not printed.is_file():
            words = done.stderr.decode(errors="replace").strip().splitlines()
            raise OutputError(
                f"{out}: {browser} could not print ({words[-1] if words else done.returncode}); "
                f"open {page} and print it yourself"
            )
        write_result(out, printed.read_bytes())
