"""Evaluation of weights on labelled images: predictions, errors, PCK and MPJPE, the paper's tables.

Put here what compares predicted keypoints with labels, or networks with one another.
Accuracy of tapping measures against sensors is not here, but in agreement and compare.
"""
