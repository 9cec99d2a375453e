"""The parts of the report and their HTML: one page without external files."""

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Final

from jinja2 import Environment, StrictUndefined

from tapscope.agreement import Estimate

DASH: Final = "–"
_NO_BREAK: Final = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class MainResult:
    """A main result at the top of the page."""

    value: str
    label: str
    detail: str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under headings."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[int] = frozenset()
    """Indices of the columns of numbers."""
    marked: frozenset[int] = frozenset()
    """Indices of the rows that need attention."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its caption, which is also its alternative text."""

    caption: str
    svg: bytes

    @property
    def svg_base64(self) -> str:
        """The figure for a data URI; as an image it cannot run scripts or share ids with others."""
        return base64.b64encode(self.svg).decode("ascii")


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the page."""

    anchor: str
    heading: str
    texts: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()
    wide_figures: bool = False
    """Whether figures have the whole width, one below the other."""


def render(
    title: str, subtitle: str, main_results: Sequence[MainResult], sections: Sequence[Section]
) -> bytes:
    """Return the page; every text is escaped, so that a file name cannot become markup."""
    template = resources.files("tapscope.compare.report").joinpath("report.html.j2")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["pieces"] = _pieces
    page = environment.from_string(template.read_text(encoding="utf-8")).render(
        title=title, subtitle=subtitle, main_results=main_results, sections=sections
    )
    return (page + "\n").encode()


def _pieces(cell: str) -> str:
    """Return a cell of numbers that breaks before a bracket or 'to' only, never within a number."""
    return cell.replace(", ", f",{_NO_BREAK}").replace(" to ", f" to{_NO_BREAK}")


def number(value: float, digits: int = 3) -> str:
    """Return a number as text: significant digits, true minus sign, a dash for NaN.

    Whole digits are never rounded away.
    """
    if not math.isfinite(value):
        return DASH
    value = float(f"{value:.{digits - 1}e}") if abs(value) < 10**digits else value
    if value != 0 and not 1e-4 <= abs(value) < 1e5:
        text = f"{value:.{digits - 1}e}"
    else:
        decimals = digits - 1 - (0 if value == 0 else math.floor(math.log10(abs(value))))
        text = f"{value:.{max(decimals, 0)}f}"
    if float(text) == 0:
        text = text.removeprefix("-")
    return text.replace("-", "−")


def between(low: float, high: float, digits: int = 3) -> str:
    """Return '−0.25 to 1.25', or one dash where an end is not known."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return DASH
    return f"{number(low, digits)} to {number(high, digits)}"


def with_interval(estimate: Estimate | None, digits: int = 3) -> str:
    """Return '0.012 [−0.003, 0.027]', or the value alone where it has no interval."""
    if estimate is None:
        return DASH
    value, low, high = (
        number(end, digits) for end in (estimate.value, estimate.low, estimate.high)
    )
    if not (math.isfinite(estimate.low) and math.isfinite(estimate.high)):
        return value
    return f"{value} [{low}, {high}]"


def p_value(value: float) -> str:
    """Return a p value as text: three decimals, or '< 0.001'."""
    if not math.isfinite(value):
        return DASH
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
