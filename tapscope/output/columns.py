"""The columns of the table, in order, and what each of them means."""

from collections.abc import Mapping, Sequence
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
UNITS: Final = {
    "unit": "unit of the amplitudes in this row (of range and noise, too): hand_lengths, mm or px",
    "speed_unit": "unit of the speeds in this row: that of the amplitudes per second",
}
"""Units that differ from row to row, each beside its columns."""
TEXT_QUALITY: Final = {
    "hand_source": "where hand comes from: option, manifest, file name or protocol",
    "hand_choice": "how the hand was chosen: only_hand, taps_most, side_by_place or none_seen",
    "task_ending": "; ".join(f"{name}: {says}" for name, says in ENDINGS.items()),
    "flags": "codes of all problems found, joined by ';'",
}
REVIEW: Final = {
    "reviewed_by": "rater who signed this recording in 'tapscope review'; empty if nobody did",
    "corrections": "corrections of that rater in the row; 0 if the rater left all as it was found",
}
REVIEW_COUNTS: Final = ("corrections",)
"""Those among them that hold numbers."""
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
    """Return the columns of the table; `extra` are those of the manifest, at the end.

    The columns of `UNITS` come before the first amplitude and the first speed. Their names stay as
    they are: a unit in a name would break whoever reads the table, and differs between rows.
    """
    numbers = numeric_columns(protocol)
    kinds = {feature.name: feature.unit for feature in FEATURES}
    for column, kind in zip(UNITS, ("{unit}", "{unit}/s"), strict=True):
        first = next((n for n, name in enumerate(numbers) if kinds.get(name) == kind), len(numbers))
        numbers.insert(first, column)
    return [*RECORDING, *numbers, *TEXT_QUALITY, *REVIEW, *ORIGIN, *extra]


def speed_unit(unit: str) -> str:
    """Return the unit of speeds, given that of amplitudes; '' where it is not known."""
    return f"{unit}/s" if unit else ""


def column_dictionary(protocol: Protocol, extra: Sequence[str] = ()) -> list[dict[str, str]]:
    """Return name, unit, domain and formula of each column, in the table's order.

    The unit of amplitudes and speeds is in the columns `unit` and `speed_unit` of each row.
    """
    numbers = {row["name"]: row for row in data_dictionary("<unit>")}
    texts = {
        **dict(zip(UNITS, zip(("amplitude", "speed"), UNITS.values(), strict=True), strict=True)),
        **{name: ("recording", meaning) for name, meaning in RECORDING.items()},
        **{name: ("quality", meaning) for name, meaning in TEXT_QUALITY.items()},
        **{name: ("review", meaning) for name, meaning in REVIEW.items()},
        **{name: ("origin", meaning) for name, meaning in ORIGIN.items()},
        **dict.fromkeys(extra, ("manifest", "as in the manifest")),
    }
    return [
        numbers.get(name)
        or {
            "name": name,
            "unit": "1" if name in REVIEW_COUNTS else "text",
            "domain": texts[name][0],
            "formula": texts[name][1],
        }
        for name in all_columns(protocol, extra)
    ]


def dictionary_page(entries: Sequence[Mapping[str, str]]) -> str:
    """Return the column dictionary as a page of Markdown, for people.

    Parameters
    ----------
    entries
        See `column_dictionary`.
    """
    lines = [
        "# The columns of the table",
        "",
        "Numbers have six significant digits. An empty cell is unknown, never 0. *u* is the unit "
        "in the column `unit`, *u*/s that in the column `speed_unit`.",
        "",
        "| column | unit | about | meaning |",
        "|---|---|---|---|",
    ]
    for entry in entries:
        unit = entry["unit"].replace("<unit>", "*u*").removeprefix("1")
        cells = (f"`{_in_a_cell(entry['name'])}`", unit, entry["domain"], entry["formula"])
        lines.append(f"| {cells[0]} | {' | '.join(map(_in_a_cell, cells[1:]))} |")
    return "\n".join(lines) + "\n"


def _in_a_cell(text: str) -> str:
    """Escape what would end a cell or become markup; names of columns come from manifests."""
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").replace("`", "'").split())
