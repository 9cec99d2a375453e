"""Videos with what was measured drawn on them: `tapscope overlay`.

Put here what turns a video and the stored results of its analysis into a clip to look at.
"""
