"""The checklist of the Guidelines for Reporting Reliability and Agreement Studies (GRRAS).

Source: Kottner et al. 2011, doi:10.1016/j.jclinepi.2010.03.002.
"""

from dataclasses import dataclass
from typing import Literal

from tapscope.compare.records import Comparison

Filled = Literal["filled", "in part", "authors"]
"""'authors': only the authors of the study can answer."""


@dataclass(frozen=True, slots=True)
class Item:
    """One item of the guidelines, answered for one study."""

    number: int
    section: str
    request: str
    filled: Filled
    answer: str


def grras_items(found: Comparison) -> tuple[Item, ...]:
    """Return the 15 items in order, answered as far as the comparison allows."""
    everyone, compared, aligned = found.flow[0], found.flow[-2], found.flow[-1]
    repeated = sorted({row.feature for row in found.rows if row.form == "repeated"})
    sensors = sorted(
        {each.sensor_facts.get("device", "") or "device not stated" for each in found.recordings}
    )
    from_data = sum(each.aligned_from_data for each in found.recordings)
    device = (
        f"tapscope {found.provenance.get('tapscope_version', '')} (weights "
        f"{found.provenance.get('weights', '')}, protocol {found.settings['protocol']}) against "
        f"{', '.join(sensors)}"
    )
    return (
        Item(1, "Title", "Say in title or abstract that agreement was studied", "authors", ""),
        Item(2, "Introduction", "Name and describe the measurement device", "filled", device),
        Item(3, "Introduction", "Specify the subject population", "authors", ""),
        Item(4, "Introduction", "Specify the rater population", "filled",
             "No raters: two devices measured the same taps."),
        Item(5, "Introduction", "What is known, and why this study was done", "authors", ""),
        Item(6, "Methods", "How the sample size was chosen; numbers of subjects and replicates",
             "in part",
             f"{everyone.n_participants} participants, {everyone.n_recordings} recordings in the "
             "table. How the number was chosen: authors."),
        Item(7, "Methods", "Describe the sampling method", "authors", ""),
        Item(8, "Methods", "Describe the measurement process", "in part",
             "Video and sensor recorded at the same time; taps and features of both were found by "
             "the same program. Clocks: "
             f"{found.settings['synchronisation']}. Setting, instructions, blinding: authors."),
        Item(9, "Methods", "State whether measurements were independent", "in part",
             f"Taps were found in each side separately. {from_data} of {len(found.recordings)} "
             "clocks were aligned from the movements, which improves the agreement of single taps, "
             "but not of features."),
        Item(10, "Methods", "Describe the statistical analysis", "filled",
             "agreement.csv and the section Methods name the variant of each estimate."
             + (" Repeated-measures forms, as a participant has several values: "
                f"{', '.join(repeated)}." if repeated else "")),
        Item(11, "Results", "Actual numbers of subjects and of replicate observations", "filled",
             f"{compared.n_participants} participants, {compared.n_recordings} recordings; "
             f"{aligned.n_recordings} recordings with taps compared one by one. Every exclusion "
             "is listed."),
        Item(12, "Results", "Characteristics of the subjects", "authors",
             "Results are given by hand, rate and frame rate; tapscope knows no more of the "
             "participants."),
        Item(13, "Results", "Estimates with their statistical uncertainty", "filled",
             "See the tables; agreement.csv has all."),
        Item(14, "Discussion", "Discuss the practical relevance", "authors",
             f"Prespecified margins: "
             f"{found.settings['equivalence margins named beforehand']}."),
        Item(15, "Auxiliary", "Provide detailed results", "filled",
             "agreement.csv, pairs.csv, taps.csv, sync.csv, exclusions.csv, run.json."),
    )  # fmt: skip
