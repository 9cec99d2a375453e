"""Style of the figures, and figures as files: the same values give the same bytes.

For this, text is drawn as outlines, identifiers come from a fixed salt and no date is written.
"""

import io
from typing import Final

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

VIDEO_COLOUR: Final = "#0072b2"
SENSOR_COLOUR: Final = "#d55e00"
INK: Final = "#222222"
PALE: Final = "#8a8a8a"
PNG_DPI: Final = 150

STYLE: Final = {
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": PALE,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "svg.hashsalt": "tapscope",
    "svg.fonttype": "path",
}


def canvas(width: float, height: float) -> tuple[Figure, Axes]:
    """Return an empty figure, size in inches, with one pair of axes; call it within `STYLE`."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.add_subplot()


def render(figure: Figure) -> tuple[bytes, bytes]:
    """Return a figure as SVG and as PNG."""
    svg, png = io.BytesIO(), io.BytesIO()
    with style.context(STYLE):
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # another layout would shift it slightly
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": "tapscope"})
        figure.savefig(png, format="png", dpi=PNG_DPI, metadata={"Software": "tapscope"})
    return svg.getvalue(), png.getvalue()
