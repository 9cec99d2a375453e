"""Write a folder completely or not at all."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from tapscope.errors import OutputError
from tapscope.files import give_usual_permissions
from tapscope.output.checks import check_folder


def check_is_new(out: Path) -> None:
    """Check that a file or folder to write does not exist.

    Raises
    ------
    OutputError
        It exists; an empty folder counts as new.
    """
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise OutputError(f"{out}: exists; remove it or give another --out")


@contextmanager
def complete_folder(out: Path) -> Iterator[Path]:
    """Give a new folder that becomes `out` if all goes well, and else is removed.

    Raises
    ------
    OutputError
        `out` exists and is not empty, or cannot be written.
    """
    check_is_new(out)
    check_folder(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(mkdtemp(dir=out.parent, prefix=f".{out.name}."))
        try:
            yield folder
            give_usual_permissions(folder, 0o777)
            if out.exists():
                out.rmdir()
            folder.rename(out)
        except BaseException:  # Ctrl-C, too: a part is of no use, and in the way
            shutil.rmtree(folder, ignore_errors=True)
            raise
    except OSError as problem:
        raise OutputError(
            f"{out}: cannot be written ({problem.strerror or problem}); make room or choose "
            "another --out"
        ) from problem
