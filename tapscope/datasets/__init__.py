"""Labelled images: COCO keypoint folders, their splits, and labels of other tools and public sets.

Put here how labels are read, converted and divided; a new label format is one file in formats/.
Nothing here knows a network.
"""
