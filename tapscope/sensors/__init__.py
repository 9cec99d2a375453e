"""Sensor logs -> SensorRecording -> Trajectory of the aperture, as a video gives.

Formats enter in `formats/`, one module each; what comes out has SI units and rising clocks. Only
signal, records and errors may be imported here, nothing of the video.
"""

from tapscope.sensors.reader import combine, read
from tapscope.sensors.recording import SensorRecording

__all__ = ["SensorRecording", "combine", "read"]
