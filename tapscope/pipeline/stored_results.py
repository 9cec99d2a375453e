"""The results of a batch, left on the disk until somebody asks for them.

Held in memory, the results of ten thousand recordings would take 200 MB.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from tapscope.errors import OutputError
from tapscope.pipeline import cache
from tapscope.pipeline.cache import CachedResult
from tapscope.pipeline.recordings import Recording


class StoredResults(Mapping[str, CachedResult]):
    """Results by name of the recording, read each time that one is asked for.

    Parameters
    ----------
    folder
        Folder of results.
    recordings
        Those whose results are there, in order.
    """

    def __init__(self, folder: Path, recordings: Iterable[Recording]) -> None:
        self._folder = folder
        self._recordings = {recording.name: recording for recording in recordings}

    def __getitem__(self, name: str) -> CachedResult:
        """Read the result of a recording.

        Raises
        ------
        KeyError
            There is none.
        OutputError
            Its file is gone or damaged.
        """
        cached = cache.read_result(self._folder, self._recordings[name])
        if cached is None:
            raise OutputError(
                f"{self._folder}: the result of {name} is gone or damaged; run the same command "
                "again"
            )
        return cached

    def __contains__(self, name: object) -> bool:
        """Say whether there is a result, without reading it."""
        return name in self._recordings

    def __iter__(self) -> Iterator[str]:
        """Return the names in order."""
        return iter(self._recordings)

    def __len__(self) -> int:
        """Return the number of results."""
        return len(self._recordings)
