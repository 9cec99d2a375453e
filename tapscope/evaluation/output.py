"""Files of `tapscope evaluate --out`: scores, PCK curves, and the paper's tables."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from matplotlib import style
from matplotlib.figure import Figure

from tapscope.evaluation.scores import CURVE_PX, Scored, Summary, score_rows, summaries
from tapscope.output.figure_style import STYLE, canvas, render
from tapscope.output.table import cell_text, csv_bytes, rounded, write_result

COLOURS: Final = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999933",
)  # fmt: skip
"""Distinguishable with colour blindness, too (Okabe and Ito)."""
DASHES: Final = ("-", "--", ":")
_ESCAPES: Final = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
}  # fmt: skip


def write_scores(
    folder: Path, every: Sequence[Scored], parameters: Mapping[str, int]
) -> list[Summary]:
    """Write scores.csv, curves.csv, table.md, table.tex, and curves-SET as SVG and PNG.

    Parameters
    ----------
    folder
        Created if it is missing.
    parameters
        Number of parameters of each network.
    """
    rows = score_rows(every)
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = [
        [cell_text(rounded(v) if isinstance(v, float) else v) for v in map(row.get, columns)]
        for row in rows
    ]
    write_result(folder / "scores.csv", csv_bytes(columns, text))
    gathered = summaries(every)
    write_result(folder / "curves.csv", _curves_csv(gathered))
    write_result(folder / "table.md", markdown(gathered, parameters).encode())
    write_result(folder / "table.tex", latex(gathered, parameters).encode())
    for dataset in dict.fromkeys(one.dataset for one in gathered):
        svg, png = render(draw([one for one in gathered if one.dataset == dataset]))
        write_result(folder / f"curves-{dataset}.svg", svg)
        write_result(folder / f"curves-{dataset}.png", png)
    return gathered


def _curves_csv(gathered: Sequence[Summary]) -> bytes:
    columns = ("network", "set", "seeds", "threshold_px", "pck", "pck_sd")
    rows = [
        [
            one.network,
            one.dataset,
            str(len(one.seeds)),
            str(threshold),
            cell_text(rounded(one.pck[threshold].mean)),
            cell_text(rounded(one.pck[threshold].sd)),
        ]
        for one in gathered
        for threshold in CURVE_PX
    ]
    return csv_bytes(columns, rows)


def cells(one: Summary, parameters: Mapping[str, int]) -> list[str]:
    """Return a network's row of the table."""
    shares = [one.pck[t].text() for t in (5, 10, 20)]
    errors = []
    for error, count in one.mpjpe.values():
        errors.append(f"{error.text(1, 2)} ({count.mean:.0f})")
    millions = f"{parameters[one.network] / 1e6:.1f}"
    return [one.network, millions, str(len(one.seeds)), *shares, *errors, one.found.text()]


HEADINGS: Final = (
    "network", "parameters, M", "seeds", "PCK@5 px, %", "PCK@10 px, %", "PCK@20 px, %",
    "MPJPE@5 (n)", "MPJPE@10 (n)", "MPJPE@20 (n)", "found, %",
)  # fmt: skip


def _by_set(gathered: Sequence[Summary]) -> dict[str, list[Summary]]:
    sets: dict[str, list[Summary]] = {}
    for one in gathered:
        sets.setdefault(one.dataset, []).append(one)
    return sets


def markdown(gathered: Sequence[Summary], parameters: Mapping[str, int]) -> str:
    """Return one Markdown table per set, with mean and SD over the seeds."""
    blocks = []
    for dataset, members in _by_set(gathered).items():
        lines = [HEADINGS, tuple("---" for _ in HEADINGS)]
        lines += [tuple(cells(one, parameters)) for one in members]
        table = "\n".join("| " + " | ".join(_no_bar(c) for c in line) + " |" for line in lines)
        blocks.append(f"**{_no_bar(dataset)}**\n\n{table}\n")
    return "\n".join(blocks)


def _no_bar(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")


def latex(gathered: Sequence[Summary], parameters: Mapping[str, int]) -> str:
    """Return the same tables as LaTeX `tabular` environments."""
    blocks = []
    for dataset, members in _by_set(gathered).items():
        lines = [HEADINGS, *(cells(one, parameters) for one in members)]
        body = [" & ".join(_tex(cell) for cell in line) + r" \\" for line in lines]
        body.insert(1, r"\hline")
        blocks.append(
            "\n".join([
                f"% {_tex(dataset)}",
                r"\begin{tabular}{l" + "r" * (len(HEADINGS) - 1) + "}",
                *body,
                r"\end{tabular}",
            ])
            + "\n"
        )  # fmt: skip
    return "\n".join(blocks)


def _tex(text: str) -> str:
    return "".join(_ESCAPES.get(letter, letter) for letter in text).replace("±", r"$\pm$")


def draw(members: Sequence[Summary]) -> Figure:
    """Draw the PCK curves from 1 to 30 px, one line per network, with a band of one SD."""
    with style.context(STYLE):
        figure, axes = canvas(5.6, 3.9)
        for n, one in enumerate(members):
            colour, dash = COLOURS[n % len(COLOURS)], DASHES[n // len(COLOURS) % len(DASHES)]
            mean = [100 * one.pck[t].mean for t in CURVE_PX]
            axes.plot(CURVE_PX, mean, dash, color=colour, linewidth=1.4, label=one.network)
            if len(one.seeds) > 1:
                sd = [100 * one.pck[t].sd for t in CURVE_PX]
                low = [m - s for m, s in zip(mean, sd, strict=True)]
                high = [m + s for m, s in zip(mean, sd, strict=True)]
                axes.fill_between(CURVE_PX, low, high, color=colour, alpha=0.13, linewidth=0)
        axes.set_xlabel("Threshold (px)")
        axes.set_ylabel("Keypoints nearer than the threshold (%)")
        axes.set_xlim(CURVE_PX[0], CURVE_PX[-1])
        axes.set_ylim(0, 100)
        axes.set_title(members[0].dataset)
        axes.legend(loc="lower right")
    return figure
