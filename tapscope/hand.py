"""The 21 joints of a hand, in MediaPipe order."""

from typing import Final

JOINTS: Final[tuple[str, ...]] = (
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

WRIST: Final = JOINTS.index("wrist")
THUMB_TIP: Final = JOINTS.index("thumb_tip")
INDEX_TIP: Final = JOINTS.index("index_tip")
MIDDLE_MCP: Final = JOINTS.index("middle_mcp")
MEASURED: Final = (THUMB_TIP, INDEX_TIP, WRIST, MIDDLE_MCP)
"""The tips, and the two joints whose distance is the unit of length."""
