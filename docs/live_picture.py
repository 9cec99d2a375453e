"""Take the picture of the live page: python docs/live_picture.py VIDEO

VIDEO is a rendered recording (no real person). It is looped, shown by `tapscope live`, one test is
measured, and the picture is taken while a second one is recorded. Needs playwright and a Chromium.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tapscope.video.writer import write_clip
from tests.bench.live import looped

HERE = Path(__file__).parent
SECONDS = 2
LOOPED_S = 30.0
PATIENCE_MS = 1_500_000


def main(video: Path, *options: str) -> None:
    """Run both tests and take the picture."""
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mp4"
        write_clip(clip, looped(video, LOOPED_S))
        command = [sys.executable, "-m", "tapscope", "live", "--source", clip, *options]
        command += ["--no-browser", "--out", Path(folder) / "clinic", "--seconds", str(SECONDS)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as live:
            assert live.stdout is not None
            address = live.stdout.readline().removeprefix("open ").strip()
            try:
                take(address)
            finally:
                live.terminate()


def take(address: str) -> None:
    """Walk through the page."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1120, "height": 760})
        page.goto(address)
        page.set_default_timeout(PATIENCE_MS)
        for number in (1, 2):
            page.wait_for_selector("#start:enabled")
            page.fill("#name", f"sub-10_hand-right_run-{number}")
            page.click("#start")
            if number == 1:
                page.wait_for_selector("#result:not([hidden])")
        page.get_by_text("Tap: as wide").wait_for()
        page.wait_for_timeout(500)
        page.screenshot(path=HERE / "live.png")
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
