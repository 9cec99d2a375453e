"""Check that results can be written, before the work that they cost."""

from pathlib import Path
from tempfile import TemporaryFile

from tapscope.errors import OutputError


def check_file(path: Path, option: str = "--out") -> None:
    """Check that a file can be written; nothing is left behind.

    Parameters
    ----------
    path
        The file; its folders need not exist.
    option
        The option that names it, for the message.

    Raises
    ------
    OutputError
        It is a folder, or its folder cannot be written or created.
    """
    if path.is_dir():
        raise OutputError(f"{path}: is a folder; give the name of a file with {option}")
    check_folder(path.parent, option)


def check_folder(folder: Path, option: str = "--out") -> None:
    """Check that files can be written to a folder, or that it can be created; nothing is left.

    Parameters
    ----------
    folder
        The folder; it need not exist.
    option
        The option that names it, for the message.

    Raises
    ------
    OutputError
        It is a file, or it cannot be written or created.
    """
    try:
        nearest = next(each for each in (folder, *folder.absolute().parents) if each.exists())
        # Permission bits do not tell of network folders and read-only disks: a file does.
        with TemporaryFile(dir=nearest):
            pass
    except OSError as problem:
        raise OutputError(
            f"{folder}: cannot be written ({problem.strerror}); choose another {option}"
        ) from problem
