"""The 21 keypoints of a hand, in MediaPipe's order, and the four that tapscope measures."""

from collections.abc import Sequence
from typing import Final, NamedTuple

KEYPOINTS: Final[tuple[str, ...]] = (
    "wrist",
    "thumb_cmc",
    "thumb_mcp",
    "thumb_ip",
    "thumb_tip",
    "index_mcp",
    "index_pip",
    "index_dip",
    "index_tip",
    "middle_mcp",
    "middle_pip",
    "middle_dip",
    "middle_tip",
    "ring_mcp",
    "ring_pip",
    "ring_dip",
    "ring_tip",
    "little_mcp",
    "little_pip",
    "little_dip",
    "little_tip",
)

WRIST: Final = KEYPOINTS.index("wrist")
THUMB_TIP: Final = KEYPOINTS.index("thumb_tip")
INDEX_TIP: Final = KEYPOINTS.index("index_tip")
MIDDLE_MCP: Final = KEYPOINTS.index("middle_mcp")
TIPS: Final = ("thumb_tip", "index_tip")
"""The tips whose distance is the aperture."""
FINGERTIPS: Final = (*TIPS, "middle_tip", "ring_tip", "little_tip")


class Measured(NamedTuple):
    """Indices of the measured keypoints in the list of keypoints that a network predicts.

    They are the tips, and the two keypoints whose distance is the unit of length.
    """

    thumb_tip: int
    index_tip: int
    wrist: int
    middle_mcp: int

    @property
    def tips(self) -> list[int]:
        """Return the indices of the tips, thumb first."""
        return [self.thumb_tip, self.index_tip]

    @classmethod
    def among(cls, keypoints: Sequence[str]) -> "Measured":
        """Find the measured keypoints by name.

        Raises
        ------
        ValueError
            Keypoints are missing; the message names them.
        """
        missing = [name for name in cls._fields if name not in keypoints]
        if missing:
            raise ValueError(", ".join(missing))
        return cls(*(keypoints.index(name) for name in cls._fields))
