"""From videos to the table: the only room that joins the stages.

What enters decides which stage follows which, or handles many recordings: finding, isolating,
resuming. Measuring itself belongs in the stages.
"""
