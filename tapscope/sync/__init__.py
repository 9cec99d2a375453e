"""Relates the clock of a sensor to that of a video, and says whether the relation may be trusted.

Trajectories of both sides enter, or cues that the user states. Nothing here reads files or knows of
videos, sensors or statistics: it uses records and the spectrum of `tapscope.signal`.
"""
