"""A camera or a video seen frame by frame as it comes in, and a guided test that is recorded.

Frames come from a source in a thread of their own. A second thread follows the hand in the newest
frame and draws its marks, a third one measures the last seconds, a fourth one writes the recording
of a test. The recording is then measured by the same analysis as any other video.
"""
