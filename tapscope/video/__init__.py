"""Video files become streams of FrameBatch: display orientation, true times, bounded memory.

Only this room opens videos with av or decord; it knows nothing of hands.
A decoder is added in decoders.py.
"""
