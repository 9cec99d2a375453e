"""The columns of the table, in order, and what each of them means."""

from collections.abc import Sequence
from typing import Final

from tapscope.features import ENDINGS, FEATURES, data_dictionary
from tapscope.protocol.protocol import Protocol

RECORDING: Final = {
    "recording": "path of the video relative to the folder given, without ending",
    "video": "the same with its ending",
    "status": "ok, doubtful or failed",
    "reason": "why it is not ok, in words",
    "participant_id": "from the manifest or the file name",
    "session_id": "from the manifest or the file name",
    "hand": "left or right: from --hand, the manifest, the file name or the protocol",
    "trial": "from the manifest or the file name",
}
TEXT_QUALITY: Final = {
    "unit": "unit of amplitudes and speeds in this row",
    "hand_source": "where hand comes from: option, manifest, file name or protocol",
    "hand_choice": "how the hand was chosen: only_hand, taps_most, side_by_place or none_seen",
    "task_ending": "; ".join(f"{name}: {says}" for name, says in ENDINGS.items()),
    "flags": "codes of all problems found, joined by ';'",
}
ORIGIN: Final = {
    "tapscope_version": "version that wrote the row",
    "weights": "weights file and the first digits of its SHA-256",
    "protocol": "protocol and the first digits of the hash of its content",
}


def feature_names(protocol: Protocol) -> list[str]:
    """Return the names of the features of movement that a protocol asks for."""
    wanted = set(protocol.features)
    return [
        feature.name
        for feature in FEATURES
        if feature.domain != "quality" and (not wanted or feature.name in wanted)
    ]


def quality_names() -> list[str]:
    """Return the names of the quality features, which every protocol includes."""
    return [feature.name for feature in FEATURES if feature.domain == "quality"]


def numeric_columns(protocol: Protocol) -> list[str]:
    """Return the columns that hold numbers."""
    return [*feature_names(protocol), *quality_names()]


def all_columns(protocol: Protocol, extra: Sequence[str] = ()) -> list[str]:
    """Return the columns of the table; `extra` are those of the manifest, at the end."""
    return [*RECORDING, *numeric_columns(protocol), *TEXT_QUALITY, *ORIGIN, *extra]


def column_dictionary(protocol: Protocol, extra: Sequence[str] = ()) -> list[dict[str, str]]:
    """Return name, unit, domain and formula of each column, in the table's order.

    The unit of amplitudes and speeds is in the column `unit` of each row.
    """
    numbers = {row["name"]: row for row in data_dictionary("<unit>")}
    texts = {
        **{name: ("recording", meaning) for name, meaning in RECORDING.items()},
        **{name: ("quality", meaning) for name, meaning in TEXT_QUALITY.items()},
        **{name: ("origin", meaning) for name, meaning in ORIGIN.items()},
        **dict.fromkeys(extra, ("manifest", "as in the manifest")),
    }
    return [
        numbers.get(name)
        or {"name": name, "unit": "text", "domain": texts[name][0], "formula": texts[name][1]}
        for name in all_columns(protocol, extra)
    ]
