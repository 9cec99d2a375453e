"""Provenance of results: versions, commit, command, machine."""

import platform
import shlex
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Final

from tapscope import __version__

NUMERIC_PACKAGES: Final = (
    "av",
    "decord",
    "numpy",
    "opencv-python-headless",
    "openvino",
    "safetensors",
    "scipy",
    "torch",
)
_PACKAGE: Final = Path(__file__).resolve().parents[1]


def commit() -> str | None:
    """Return the commit of the checkout that tapscope runs from; None if it is no checkout.

    '-changed' is added if the package differs from the commit.
    """
    if not (_PACKAGE.parent / ".git").exists():
        return None
    head = _git("rev-parse", "HEAD")
    if head is None:
        return None
    return head + ("-changed" if _git("status", "--porcelain", "--", "tapscope") else "")


def _git(*arguments: str) -> str | None:
    try:
        answer = subprocess.run(
            ["git", "-C", str(_PACKAGE.parent), *arguments],
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None  # no git on this machine: only the version is recorded
    return answer.stdout.strip()


def package_versions() -> dict[str, str]:
    """Return the installed versions of the packages on which the numbers depend."""
    found = {}
    for name in NUMERIC_PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "absent"
    return found


def environment(arguments: Sequence[str]) -> dict[str, object]:
    """Return the part of run.json about program, machine and time.

    Parameters
    ----------
    arguments
        The command line.
    """
    return {
        "tapscope_version": __version__,
        "commit": commit(),
        "command": shlex.join(arguments),
        "utc_time": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": package_versions(),
    }
