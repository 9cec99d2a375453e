"""From samples to taps: keypoints -> aperture -> movement -> task -> taps.

Pure functions of arrays and records with the rules of a protocol, numpy and scipy only. What is
here knows neither videos nor sensors nor files: both kinds of trajectory take the same steps.
"""
