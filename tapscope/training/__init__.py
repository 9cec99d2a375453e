"""Training: labelled images -> augmented samples -> loss -> optimiser -> weights with their card.

Put here what is needed only to learn weights or to choose between epochs.
It runs on a bare GPU machine: no video reader, no OpenVINO, no terminal output.
"""
