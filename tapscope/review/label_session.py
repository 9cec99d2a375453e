"""What the page about labelled frames asks for, and a change more."""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

from tapscope.corrections.entry import rater_id
from tapscope.errors import AnnotationError, CorrectionsError
from tapscope.labelling.label_folder import LabelFolder, LabelledFrame
from tapscope.labelling.label_log import LabelEntry, last_standing


class LabelSession:
    """One folder under correction. Its methods may be called from several threads."""

    def __init__(self, folder: LabelFolder) -> None:
        self._folder = folder

    def images(self, rater: str) -> dict[str, Any]:
        """Return all images with their labels."""
        rater = rater_id(rater)
        frames = self._folder.frames()
        return {
            "folder": self._folder.folder.resolve().name,
            "rater": rater,
            "images": [_plain(frame) for frame in frames],
            "canUndo": _can_undo(frames, rater),
            "notes": list(self._folder.notes),
        }

    def image(self, index: int, rater: str) -> dict[str, Any]:
        """Return one image as it is now.

        Raises
        ------
        CorrectionsError
            There is no such image.
        """
        frames = self._folder.frames()
        if not 0 <= index < len(frames):
            raise CorrectionsError(f"there is no image {index}")
        return _one(frames, index, rater_id(rater))

    def change(self, index: int, rater: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Change the labels of an image and return its new state.

        Parameters
        ----------
        asked
            'entries': how many entries about this image the page knows; 'kind' and 'after' as in
            `labels.changed`.

        Raises
        ------
        ConflictError, CorrectionsError
            There are entries that the page does not know, or the change does not fit.
        OutputError
            It cannot be written.
        """
        kind, known = str(asked.get("kind")), asked.get("entries")
        frames = self._folder.change(index, kind, asked.get("after"), rater=rater, known=known)
        return _one(frames, index, rater)

    def undo(self, rater: str) -> dict[str, Any]:
        """Take back the rater's last change and return the state of its image.

        Raises
        ------
        CorrectionsError
            There is none, or somebody else has changed the image since.
        OutputError
            It cannot be written.
        """
        index, frames = self._folder.undo(rater)
        return _one(frames, index, rater)

    def picture(self, index: int) -> bytes:
        """Return an image as PNG: the pixels that training sees.

        Raises
        ------
        CorrectionsError, AnnotationError
            There is no such image, or it cannot be read.
        """
        pixels = np.ascontiguousarray(self._folder.pixels(index)[:, :, ::-1])
        done, content = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 1])
        if not done:
            raise AnnotationError(f"image {index} cannot be shown")
        return content.tobytes()


def _one(frames: list[LabelledFrame], index: int, rater: str) -> dict[str, Any]:
    return {**_plain(frames[index]), "canUndo": _can_undo(frames, rater)}


def _can_undo(frames: list[LabelledFrame], rater: str) -> bool:
    entries = (entry for frame in frames for entry in frame.history)
    return last_standing(sorted(entries, key=lambda entry: entry.number), rater) is not None


def _plain(frame: LabelledFrame) -> dict[str, Any]:
    return {
        "index": frame.index,
        "name": frame.name,
        "recording": frame.recording,
        "frame": frame.frame,
        "size": [frame.width, frame.height],
        "status": frame.labels.status,
        "tips": {name: frame.labels.plain()[name] for name in ("thumb_tip", "index_tip")},
        "box": list(frame.labels.box_px),
        "entries": len(frame.history),
        "history": [_shown(entry) for entry in frame.history],
    }


def _shown(entry: LabelEntry) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "number": entry.number, "rater": entry.rater, "utc": entry.utc, "kind": entry.kind,
        "undone": entry.undone,
    }  # fmt: skip
    if entry.kind in ("thumb_tip", "index_tip"):
        shown["visibility"] = entry.after.tip(entry.kind).visibility
    return shown
