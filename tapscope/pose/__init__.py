"""Frames to keypoints: find the hands, follow them, choose the tapping one, place its keypoints.

`tracker.track_hand` is the way in; all thresholds are in `thresholds`. What needs the network and
images to answer belongs here; what needs only the keypoints over time belongs to signal.
"""
