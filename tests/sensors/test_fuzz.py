"""Damaged files: only SensorError leaves a reader, whatever the bytes."""

import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tapscope.errors import SensorError
from tapscope.sensors import read
from tests.sensors import made_up

# (position as a share of the file, new byte) of each change, then where the file is cut off.
Changes = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=12)
Cut = st.one_of(st.just(1.0), st.floats(0, 1))


IN_A_CHILD = {"c3d", "gyro_mat"}
"""Formats that are read in a process of their own: half a second each time."""


def damage(content: bytes, changes: list[tuple[float, int]], cut: float, within: int) -> bytes:
    """Change bytes among the first `within` and cut the end off."""
    damaged = bytearray(content)
    for share, byte in changes:
        damaged[int(share * min(within, len(damaged)))] = byte
    return bytes(damaged[: max(1, round(cut * len(damaged)))])


@pytest.mark.parametrize("within", [400, 1_000_000], ids=["header", "anywhere"])
@pytest.mark.parametrize("name", sorted(set(made_up.WRITERS) - IN_A_CHILD))
def test_only_sensor_errors_leave_a_reader(name: str, within: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = made_up.WRITERS[name](Path(folder))
        whole = path.read_bytes()

        @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
        @given(Changes, Cut)
        def attempt(changes: list[tuple[float, int]], cut: float) -> None:
            path.write_bytes(damage(whole, changes, cut, within))
            with suppress(SensorError):
                read(path)

        attempt()


@pytest.mark.parametrize("name", sorted(IN_A_CHILD))
def test_a_file_that_crashes_or_hangs_its_library_is_an_error(name: str, tmp_path: Path) -> None:
    path = made_up.WRITERS[name](tmp_path)
    whole = path.read_bytes()
    for seed in range(8):
        changes = [((seed * 37 + n * 11) % 97 / 97, (seed * 91 + n * 53) % 256) for n in range(6)]
        path.write_bytes(damage(whole, changes, 1.0 if seed % 2 else 0.6, 3000))
        with suppress(SensorError):
            read(path)


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=300),
    st.sampled_from(
        [
            b"",
            b"XDF:",
            b"\x02\x50",
            b"\x89HDF\r\n\x1a\n",
            b"MATLAB 5.0 MAT-file",
            b"time_s,",
            b"Label: ",
            b"sep=\t\n",
        ]
    ),
)
def test_any_bytes_are_read_or_refused(content: bytes, magic: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.bin"
        path.write_bytes(magic + content)
        with suppress(SensorError):
            read(path)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["Units", "SamplingFrequency", "Hand", "Placement", "OpeningAxis"]),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["gyro", "thumb", "index", "x"]), inner, max_size=3
                )
            ),
            max_leaves=5,
        ),
    )
)
def test_any_sidecar_is_read_or_refused(content: dict[str, object]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = made_up.neutral(Path(folder))
        made_up.write_sidecar(path, **content)
        with suppress(SensorError):
            read(path)
