"""DeepLabCut: the tips of each recording as CSV and HDF5, as its `analyze_videos` names them.

One row a frame. Frames that repeat a picture have no place and the likelihood 0, because tapscope
leaves them out; so the row stays the number of the frame.
"""

from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from tapscope.export.formats.base import Format, NotExported, each_measured
from tapscope.export.study import Exported, Study
from tapscope.hand import TIPS
from tapscope.pipeline.result_reader import TipTracks

_SCORER: Final = "DLC_tapscope"
_KEY: Final = "df_with_missing"
"""Name of the table within DeepLabCut's HDF5 files."""


def _write(study: Study, folder: Path) -> list[NotExported]:
    return each_measured(study, partial(_write_recording, folder))


def _write_recording(folder: Path, recording: Exported) -> None:
    frame = _frame(recording.tips())
    file = folder / f"{recording.stem}{_SCORER}.csv"
    file.parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(file, lineterminator="\n")
    frame.to_hdf(file.with_suffix(".h5"), key=_KEY, format="table", mode="w")


def _frame(tips: TipTracks) -> pd.DataFrame:
    columns = pd.MultiIndex.from_product(
        [[_SCORER], TIPS, ["x", "y", "likelihood"]], names=["scorer", "bodyparts", "coords"]
    )
    values = np.full((int(tips.frame.max(initial=-1)) + 1, len(TIPS), 3), np.nan)
    values[..., 2] = 0.0
    values[tips.frame, :, :2] = tips.position_px
    values[tips.frame, :, 2] = np.nan_to_num(tips.confidence)
    return pd.DataFrame(values.reshape(len(values), -1), columns=columns)


FORMAT: Final = Format("dlc", "", ("tables",), _write, "dlc")
