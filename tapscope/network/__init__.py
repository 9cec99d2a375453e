"""The network: P-MSDSNet, its baselines, heatmaps, crops, weights files and inference engines.

Put here what turns the pixels of a crop into keypoints with a confidence.
Nothing here knows videos, hands over time or training; torch and OpenVINO are imported only here
and where a network is trained or shown.
"""
