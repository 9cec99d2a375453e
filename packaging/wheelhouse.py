"""Fill a folder with tapscope and all that it needs, for computers without a network.

    python packaging/wheelhouse.py FOLDER [--extra NAME ...] [--index URL]

Run it on a computer with a network, with the Python version and the operating system of the one
without. There, `python -m pip install --no-index --find-links FOLDER tapscope` installs from it.
"""

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Build or download all wheels."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("folder", type=Path, help="where the wheels go")
    parser.add_argument(
        "--extra", action="append", default=[], help="optional part of tapscope; may be repeated"
    )
    parser.add_argument(
        "--index",
        metavar="URL",
        help="further package index, such as that of torch for computers without a GPU",
    )
    arguments = parser.parse_args()
    extras = f"[{','.join(arguments.extra)}]" if arguments.extra else ""
    command = [sys.executable, "-m", "pip", "wheel", f"{ROOT}{extras}"]
    command += ["--wheel-dir", str(arguments.folder)]
    if arguments.index:
        command += ["--extra-index-url", arguments.index]
    subprocess.run(command, check=True)
    wheels = sorted(arguments.folder.glob("*.whl"))
    total = sum(file.stat().st_size for file in wheels)
    print(f"{len(wheels)} wheels, {total / 2**20:.0f} MiB, in {arguments.folder}. Install with:")
    print(f"python -m pip install --no-index --find-links {arguments.folder} 'tapscope{extras}'")


if __name__ == "__main__":
    main()
