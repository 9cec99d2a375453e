"""XDF, the Lab Streaming Layer's file (extra `xdf`, pyxdf): streams with motion channels.

A channel is taken where its label names a sensor and an axis ('index_gyro_x', 'ACC Z'); what the
label lacks comes from the stream: its name is the place, its type the kind. Units are those of
desc/channels/channel/unit. Clocks are put on one time base by pyxdf from the stored offsets.
"""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from tapscope.errors import SensorError, require_extra
from tapscope.records import FloatArray
from tapscope.sensors.channel_labels import Channel, group_axes, parse_label
from tapscope.sensors.file_head import Head
from tapscope.sensors.formats.base import Format, RawRecording, RawSignal
from tapscope.sensors.recording import as_samples
from tapscope.sensors.sidecar import Sidecar

_MOST_CHANNELS: Final = 4096
_SAMPLES, _STREAM_HEADER = 3, 2
Node = str | Sequence["Node"] | Mapping[str, "Node"] | None


def _matches(head: Head) -> bool:
    return head.magic.startswith(b"XDF:")


def _read(head: Head, sidecar: Sidecar) -> RawRecording:
    require_extra("pyxdf", "xdf", head.path, SensorError)
    _check_chunks(head)
    pyxdf = import_module("pyxdf")  # an extra, and slow to import

    try:
        with _listening_to(pyxdf.pyxdf.logger) as said:
            streams, _ = pyxdf.load_xdf(str(head.path))
        loaded = [_Stream(stream) for stream in streams]
    except Exception as error:  # a damaged file makes this reader raise nearly anything
        raise SensorError(f"{head.path}: damaged XDF file: {error}") from error
    lost = [record.getMessage() for record in said if record.levelno >= logging.ERROR]
    if lost:  # it skips what it cannot read and goes on, so that samples would be missing
        raise SensorError(
            f"{head.path}: damaged XDF file: {lost[0]}. Copy it again, or repair it with the "
            "recorder's tool"
        )
    signals = [signal for stream in loaded for signal in stream.signals()]
    if not signals:
        found = ", ".join(f"{stream.name!r} ({stream.type})" for stream in loaded)
        raise SensorError(
            f"{head.path}: no motion channel in this XDF file; expected channels labelled such as "
            f"index_gyro_x with units, found the streams {found[:300] or 'none'}"
        )
    notes = dict.fromkeys(f"pyxdf says: {record.getMessage()}" for record in said)
    return RawRecording(signals, notes=tuple(notes))


@contextmanager
def _listening_to(logger: logging.Logger) -> Iterator[list[logging.LogRecord]]:
    """Collect what a library logs from warnings up, and keep it from the terminal."""
    said: list[logging.LogRecord] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = said.append  # type: ignore[method-assign, assignment]
    propagates, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield said
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagates


def _check_chunks(head: Head) -> None:
    """Walk the chunks before pyxdf does: it trusts the sizes and would ask for any memory.

    Raises
    ------
    SensorError
        A chunk passes the end of the file, or states more samples or channels than can be.
    """
    position = 4
    with head.path.open("rb") as stream:
        while position < head.size:
            stream.seek(position)
            start = stream.read(9)
            width = start[0]
            length = int.from_bytes(start[1 : 1 + width], "little")
            position += 1 + width + length
            if width not in (1, 4, 8) or length < 2 or position > head.size:
                raise SensorError(
                    f"{head.path}: damaged XDF file: a chunk before byte {position} does not end "
                    "within the file. Copy it again, or repair it with the recorder's tool"
                )
            stream.seek(position - length)
            content = stream.read(min(length, 65_536))
            tag = int.from_bytes(content[:2], "little")
            if tag == _SAMPLES:
                digits = content[6] if len(content) > 6 else 0
                plausible = int.from_bytes(content[7 : 7 + digits], "little") <= length
            else:
                counts = re.findall(rb"<channel_count>\s*(\d+)", content)
                plausible = tag != _STREAM_HEADER or all(int(n) < _MOST_CHANNELS for n in counts)
            if not plausible:
                raise SensorError(f"{head.path}: damaged XDF file: impossible counts of samples")


class _Stream:
    """One stream as pyxdf gives it."""

    def __init__(self, stream: Mapping[str, Node]) -> None:
        info = stream["info"]
        self.name = _first(info, "name")
        self.type = _first(info, "type")
        self.time_s: FloatArray = np.asarray(stream["time_stamps"], dtype=np.float64)
        self.values = cast("NDArray[np.generic]", np.asarray(stream["time_series"]))
        described = _dig(info, "desc", "channels", "channel")
        self.channels: Sequence[Node] = described if isinstance(described, list) else []

    def signals(self) -> list[RawSignal]:
        """Return the motion signals; none where the channels are not described or no numbers."""
        numeric = self.values.dtype.kind in "fiu" and self.values.ndim == 2
        if not numeric or len(self.channels) != self.values.shape[1]:
            return []
        groups = group_axes(
            (index, channel)
            for index, described in enumerate(self.channels)
            if (channel := self._channel(_first(described, "label")))
        )
        signals = []
        for (place, kind, _), axes in groups.items():
            units = {_first(self.channels[index], "unit") for index in axes}
            unit = units.pop() if len(units) == 1 else ""
            signals.append(
                RawSignal(place, kind, unit, self.time_s, as_samples(self.values[:, axes]))
            )
        return signals

    def _channel(self, label: str) -> Channel | None:
        # 'X' alone in a stream of type 'Gyroscope' is 'Gyroscope X'.
        channel = parse_label(label) or parse_label(f"{self.type} {label}")
        if channel is not None and not channel.place:
            return channel._replace(place=self.name)
        return channel


def _dig(node: Node, *keys: str) -> Node:
    """Follow keys through the lists of one that XML becomes; None where the path ends."""
    for key in keys:
        if isinstance(node, list) and node:
            node = node[0]
        node = node.get(key) if isinstance(node, Mapping) else None
    return node


def _first(node: Node, key: str) -> str:
    found = _dig(node, key)
    if isinstance(found, list) and found:
        found = found[0]
    return found if isinstance(found, str) else ""


FORMAT: Final = Format("xdf", "XDF (Lab Streaming Layer)", _matches, _read)
