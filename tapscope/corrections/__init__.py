"""What raters have corrected: the log of one rater on one recording, and what is in force of it.

Nothing is measured here; the pipeline applies the corrections.
"""
