"""Draw the pictures of docs/features.md: simulated apertures, measured by tapscope's own code.

    python -m tests.bench.feature_figures [FOLDER]

Nothing in a picture is placed by hand: closures, widest moments, spans and numbers are those that
the tap finder and the features give. Each file holds its numbers as its description, so that a test
can tell when the code has moved on and the pictures are to be drawn again.
"""

import io
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import theilslopes

from tapscope.features import halts
from tapscope.output.figure_style import INK, PALE, STYLE
from tapscope.protocol.protocol import load
from tapscope.signal import spectrum
from tapscope.signal.closures import Closure, crossing_s
from tapscope.signal.taps import Cycle, cycles_of
from tests.bench import feature_scenes as scenes
from tests.bench.feature_canvas import (
    BOTH_ENDS,
    BOXED,
    CLOSING,
    DIGITS,
    EVERY,
    HALT,
    OPENING,
    REST,
    SHADE,
    Numbers,
    between,
    chosen,
    figure_of,
    plot_movement,
    words,
)
from tests.bench.feature_scenes import Scene

DOCS: Final = Path(__file__).resolve().parents[2] / "docs"


def draw_one_tap() -> tuple[Figure, Numbers]:
    """Draw one tap and its parts, and its speed."""
    scene = scenes.one_tap()
    rules = load().taps
    cycle = cycles_of(scene.tapping.movement, scene.tapping.task, rules)[2]
    taps = scene.tapping.taps
    figure = figure_of(4.9)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[1.9, 1])
    plot_movement(upper, scene, marks=False, samples=True)
    left, right, peak_s = cycle.left, cycle.right, float(taps.peak_s[2])
    level = (left.level + right.level) / 2
    height = level + float(taps.amplitude[2])
    for closure in (left, right):
        upper.axvspan(closure.begin_s, closure.end_s, color=REST, lw=0, zorder=0)
        upper.plot(closure.middle_s, closure.level - 0.05, "^", color=CLOSING)
    upper.text(left.middle_s, 0.27, "closed\nphase\n(contact)", ha="center", va="center")
    upper.plot(peak_s, height, "o", mfc="none", mec=OPENING)
    upper.text(peak_s, height + 0.03, "widest aperture", ha="center", va="bottom")
    between(upper, (peak_s, level), (peak_s, height), "amplitude")
    between(upper, (left.middle_s, -0.09), (right.middle_s, -0.09), "interval")
    top = 1.06
    for first_s, last_s, word, colour in (
        (left.middle_s, peak_s, "opening", OPENING),
        (peak_s, right.middle_s, "closing", CLOSING),
    ):
        upper.annotate("", (first_s, top), (last_s, top),
                       arrowprops={**BOTH_ENDS, "color": colour})  # fmt: skip
        upper.text((first_s + last_s) / 2, top, word, ha="center", va="center", bbox=BOXED)
    upper.text(left.middle_s, -0.02, "closure  ", ha="right", va="center")
    upper.set(ylim=(-0.16, 1.14), xlabel="", ylabel="aperture, hand lengths")
    _plot_speed(lower, cycle, float(taps.opening_speed_mean[2]), float(taps.closing_speed_mean[2]))
    margin_s = 0.28 * (right.middle_s - left.middle_s)
    lower.set(xlim=(left.middle_s - margin_s, right.middle_s + margin_s))
    first = {
        "interval_s": taps.interval_s[2],
        "amplitude": taps.amplitude[2],
        "opening_speed_mean": taps.opening_speed_mean[2],
        "opening_speed_peak": taps.opening_speed_peak[2],
        "closing_speed_mean": taps.closing_speed_mean[2],
        "closing_speed_peak": taps.closing_speed_peak[2],
    }
    upper.set_title(words({name: first[name] for name in ("interval_s", "amplitude")}))
    return figure, first


def _plot_speed(axes: Axes, cycle: Cycle, opening: float, closing: float) -> None:
    """Draw the speed, its extremes and the means between 10 and 90 % of the way."""
    stretch = cycle.stretch
    axes.plot(stretch.time_s[::EVERY], stretch.speed[::EVERY], color=INK, lw=1.0)
    axes.axhline(0, color=PALE, lw=0.6)

    def crossings(closure: Closure) -> list[float]:
        return [
            crossing_s(stretch.aperture, stretch.time_s, closure.index, cycle.swing.peak, level)
            for level in (0.1, 0.9)
        ]

    speed = stretch.speed
    inner = speed[cycle.left.index : cycle.right.index + 1]
    for closure, mean, place, colour, word in (
        (cycle.left, opening, int(inner.argmax()), OPENING, "opening"),
        (cycle.right, -closing, int(inner.argmin()), CLOSING, "closing"),
    ):
        times_s = crossings(closure)
        at = cycle.left.index + place
        axes.plot(times_s, [mean, mean], color=colour, lw=2)
        axes.plot(stretch.time_s[at], speed[at], "o", color=colour, ms=5)
        x_s = max(times_s) + 0.01
        axes.text(x_s, mean, f" mean {word} speed\n (10 to 90 % of the way)", va="center",
                  color=colour, fontsize=8)  # fmt: skip
        axes.text(stretch.time_s[at], speed[at] * 1.08, f"peak {word} speed", color=colour,
                  va="bottom" if mean > 0 else "top", ha="center", fontsize=8)  # fmt: skip
    axes.set(ylabel="speed,\nhand lengths/s", xlabel="time, s", ylim=np.array([1.5, 1.5]) *
             [speed.min(), speed.max()])  # fmt: skip


def draw_rhythm() -> tuple[Figure, Numbers]:
    """Draw a regular and an irregular tapper: trace, intervals, spectrum."""
    figure = figure_of(4.6)
    all_numbers: dict[str, float] = {}
    grid = figure.subplots(2, 3, width_ratios=[1.7, 1, 1])
    for row, (word, scene) in zip(
        grid, (("regular", scenes.steady()), ("irregular", scenes.irregular())), strict=True
    ):
        plot_movement(row[0], scene)
        row[0].set(xlim=(0, 6.2))
        interval_s = scene.tapping.taps.interval_s
        row[1].plot(np.arange(1, len(interval_s) + 1), interval_s, "o", color=OPENING, ms=3)
        row[1].axhline(scene.numbers["inter_tap_interval_mean_s"], color=INK, lw=0.9)
        row[1].set(ylim=(0, 0.75), xlabel="tap", ylabel="interval, s")
        _plot_spectrum(row[2], scene)
        shown = chosen(scene, "inter_tap_interval_cv", "rhythm_entropy", "spectral_entropy")
        all_numbers |= {f"{word} {name}": value for name, value in shown.items()}
        row[0].set_title(word)
        row[1].set_title(f"CV {shown['inter_tap_interval_cv']:.2g}")
        row[2].set_title(f"entropy {shown['spectral_entropy']:.2g}")
    return figure, all_numbers


def _plot_spectrum(axes: Axes, scene: Scene) -> None:
    frequency_hz = np.arange(0.3, 12.0, 0.05)
    trajectory = scene.context.trajectory
    power = spectrum.power_spectrum(trajectory.time_s, trajectory.aperture, frequency_hz)
    axes.plot(frequency_hz, power / power.max(), color=INK, lw=0.9)
    rate_hz = scene.numbers["spectral_rate_hz"]
    axes.plot(rate_hz, 1.0, "o", color=CLOSING, ms=5)
    axes.text(rate_hz + 0.4, 1.0, f"spectral_rate_hz\n{rate_hz:.2f}", va="top", fontsize=8)
    axes.set(xlabel="frequency, Hz", ylabel="power", xlim=(0, 12), ylim=(0, 1.1), yticks=[])


def draw_decrement() -> tuple[Figure, Numbers]:
    """Draw taps that become smaller, and what each feature takes from their amplitudes."""
    scene = scenes.fading()
    amplitude = scene.tapping.taps.amplitude
    tap = np.arange(1, len(amplitude) + 1)
    figure = figure_of(4.9)
    upper, lower = figure.subplots(2, 1, height_ratios=[1, 1.4])
    plot_movement(upper, scene)
    lower.plot(tap, amplitude, "o", color=OPENING, ms=5, label="amplitude of a tap")
    third = len(amplitude) // 3
    for part, word in ((slice(0, third), "first third"), (slice(-third, None), "last third")):
        mean = float(amplitude[part].mean())
        lower.axvspan(tap[part][0] - 0.5, tap[part][-1] + 0.5, color=REST, lw=0, zorder=0)
        lower.plot(tap[part][[0, -1]], [mean, mean], color=CLOSING, lw=2.5)
        lower.text(tap[part].mean(), 0.03, f"{word}: mean {mean:.2g}", ha="center", va="bottom")
    line = theilslopes(amplitude, tap)
    lower.plot(tap, line.intercept + line.slope * tap, "--", color=INK, label="Theil-Sen line")
    limit = 0.8 * float(amplitude[:3].mean())
    lower.axhline(limit, color=PALE, lw=0.9, ls=":")
    lower.text(tap[-1] + 0.4, limit, "80 % of the mean of the first three", ha="right", va="bottom")
    onset = int(scene.numbers["decrement_onset_tap"])
    lower.plot(onset, amplitude[onset - 1], "o", mfc="none", mec=CLOSING, ms=12, mew=1.5,
               label=f"decrement_onset_tap {onset}")  # fmt: skip
    lower.set(xlabel="tap", ylabel="amplitude", ylim=(0, 0.95), xlim=(0.4, tap[-1] + 0.6))
    lower.legend(loc="upper right", ncols=3)
    numbers = chosen(
        scene, "amplitude_decrement_ratio", "amplitude_slope_pct_per_tap", "decrement_onset_tap"
    )
    upper.set_title(words({name: numbers[name] for name in list(numbers)[:2]}))
    return figure, numbers


def draw_halts() -> tuple[Figure, Numbers]:
    """Draw hesitations and halts, and a tapper who stops early."""
    figure = figure_of(4.9)
    upper, lower = figure.subplots(2, 1)
    scene, moments_s = scenes.halting()
    spells = halts.still_spells(scene.context)
    counted_s = halts.halts_s(scene.context)
    for begin_s, end_s in zip(spells.begin_s, spells.end_s, strict=True):
        is_halt = bool(np.isclose(counted_s, end_s - begin_s).any())
        upper.axvspan(begin_s, end_s, color=HALT if is_halt else REST, lw=0, zorder=0)
    plot_movement(upper, scene)
    for word, begins_s in moments_s.items():
        at_s = begins_s + 0.15
        upper.annotate(word, (at_s, 0.48), (at_s, 1.0), ha="center", va="center",
                       arrowprops={"arrowstyle": "->", "color": INK})  # fmt: skip
    numbers = chosen(scene, "hesitation_count", "halt_count", "longest_halt_s", "freeze_share")
    upper.set(ylim=(-0.1, 1.1))
    upper.set_title(words(numbers))
    stopped = scenes.stopping()
    plot_movement(lower, stopped)
    first_s = float(stopped.tapping.taps.next_closure_s[-1])
    lower.axvspan(first_s, first_s + stopped.numbers["longest_halt_s"], color=HALT, lw=0, zorder=0)
    lower.text(first_s + 0.1, 0.5, "terminal halt: the hand rests in\nview, ten taps were expected")
    late = chosen(stopped, "tap_count", "stopped_early_s", "halt_count")
    lower.set_title(words(late))
    lower.set(ylim=(-0.1, 1.1))
    return figure, {**numbers, **{f"stopped {name}": value for name, value in late.items()}}


def draw_task() -> tuple[Figure, Numbers]:
    """Draw a recording with a demonstration, the task and another bout."""
    scene = scenes.whole_recording()
    figure = figure_of(2.9)
    axes = figure.subplots()
    task = scene.tapping.task
    for bout in task.bouts:
        is_task = bout.start_s == task.start_s
        axes.axvspan(bout.start_s, bout.end_s, color=SHADE if is_task else REST, lw=0, zorder=0)
        axes.text((bout.start_s + bout.end_s) / 2, 1.0, "task" if is_task else "other bout",
                  ha="center", va="center")  # fmt: skip
    plot_movement(axes, scene)
    begin_s = float(scene.trajectory.time_s[0])
    between(axes, (begin_s, 0.86), (task.start_s, 0.86), "lead_in_s")
    between(axes, (task.start_s, -0.12), (task.end_s, -0.12), "task_duration_s")
    axes.text(1.7, 0.72, "two taps to\nshow how", ha="center", va="center")
    axes.set(ylim=(-0.2, 1.1))
    numbers = chosen(scene, "task_start_s", "task_end_s", "task_duration_s", "other_bouts_s")
    axes.set_title(words(numbers))
    return figure, numbers


def draw_hand_scale() -> tuple[Figure, Numbers]:
    """Draw a hand that moves away from the camera, in pixels and in hand lengths."""
    apertures, in_px, in_hands = scenes.receding()
    figure = figure_of(4.6)
    upper, lower = figure.subplots(2, 1, sharex=True)
    ratio = "amplitude_decrement_ratio"
    upper.plot(apertures.time_s, apertures.aperture_px, color=INK, lw=1.0, label="aperture")
    upper.plot(apertures.time_s, apertures.hand_scale_px, color=CLOSING, lw=2, label="hand length")
    upper.set(ylabel="px", ylim=(0, 245))
    upper.legend(loc="upper right", ncols=2)
    upper.set_title(f"in pixels the taps become smaller: {ratio} {in_px.numbers[ratio]:.2f}")
    lower.plot(apertures.time_s, apertures.aperture_hand, color=INK, lw=1.0)
    lower.set(ylabel="hand lengths", ylim=(0, 1), xlabel="time, s")
    lower.set_title(f"in hand lengths they do not: {ratio} {in_hands.numbers[ratio]:.2f}")
    return figure, {
        f"px {ratio}": in_px.numbers[ratio],
        f"hand_lengths {ratio}": in_hands.numbers[ratio],
    }


def draw_quality() -> tuple[Figure, Numbers]:
    """Draw four recordings that raise a doubt."""
    figure = figure_of(5.2)
    shown = {
        "gaps": ("tracked_frames_pct", "longest_gap_s"),
        "noise": ("noise", "amplitude_median"),
        "open closure": ("open_closures", "tapping_rate_hz", "spectral_rate_hz"),
        "missed tap": ("suspected_missed_taps", "tapping_rate_hz", "spectral_rate_hz"),
    }
    numbers: dict[str, float] = {}
    for axes, (what, names) in zip(figure.subplots(2, 2).ravel(), shown.items(), strict=True):
        scene = scenes.QUALITY[what]()
        plot_movement(axes, scene, samples=what == "noise")
        here = chosen(scene, *names)
        axes.set_title("\n".join(f"{name} {value:.{DIGITS}g}" for name, value in here.items()),
                       fontsize=8.5)  # fmt: skip
        axes.set(xlim=(1.2, 7.2))
        numbers |= {f"{what} {name}": value for name, value in here.items()}
    return figure, numbers


DRAWINGS: Final[Mapping[str, Callable[[], tuple[Figure, Numbers]]]] = {
    "feature-one-tap.svg": draw_one_tap,
    "feature-rhythm.svg": draw_rhythm,
    "feature-decrement.svg": draw_decrement,
    "feature-halts.svg": draw_halts,
    "feature-task.svg": draw_task,
    "feature-hand-scale.svg": draw_hand_scale,
    "feature-quality.svg": draw_quality,
}


def drawn(name: str) -> tuple[bytes, Numbers]:
    """Return a drawing as SVG, and the numbers that it shows."""
    with style.context(STYLE):
        figure, numbers = DRAWINGS[name]()
        described = json.dumps({key: float(f"{value:.6g}") for key, value in numbers.items()})
        out = io.BytesIO()
        metadata = {"Date": None, "Creator": "tapscope", "Description": described}
        figure.savefig(out, format="svg", metadata=metadata)
    return out.getvalue(), numbers


def main(folder: Path = DOCS) -> None:
    """Draw all pictures."""
    for name in DRAWINGS:
        content, numbers = drawn(name)
        (folder / name).write_bytes(content)
        print(f"{name}: {len(content) / 1000:.0f} kB, {words(numbers)}")


if __name__ == "__main__":
    main(*(Path(folder) for folder in sys.argv[1:]))
