"""Install tapscope from a folder of wheels without a network, and measure the sample with it.

    python -m tests.bench.offline_install FOLDER [--python PYTHON]

FOLDER is filled by packaging/wheelhouse.py with the same Python. Linux only, as root: the network
is taken away with `unshare --net`.
"""

import argparse
import csv
import subprocess
import sys
import tempfile
from pathlib import Path

SAMPLE = Path(__file__).resolve().parents[1] / "data" / "clinic" / "videos"


def main() -> None:
    """Install, measure, and print the rows."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--python", default=sys.executable)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "a new place"
        subprocess.run([arguments.python, "-m", "venv", folder], check=True)
        without_network = ["unshare", "--net", "--map-root-user", "env", "-i", f"HOME={folder}"]
        install = [f"{folder}/bin/python", "-m", "pip", "--isolated", "install", "--quiet"]
        install += ["--no-index", "--find-links", str(arguments.folder), "tapscope"]
        subprocess.run([*without_network, *install], check=True)
        table = folder / "features.csv"
        measure = [f"{folder}/bin/tapscope", "analyze", str(SAMPLE), "--out", str(table)]
        subprocess.run([*without_network, *measure], check=True)
        with table.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                print(row["recording"], row["status"], row["tapping_rate_hz"])


if __name__ == "__main__":
    main()
