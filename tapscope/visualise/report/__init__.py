"""The report about the recordings of a study, to be looked at before the numbers are believed.

Put here what reads a finished table and draws its recordings on one page.
"""
