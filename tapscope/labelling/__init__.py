"""`tapscope frames`: pick the frames whose labels would teach the network most.

doubt.py says from the tracks which frames are doubtful; candidates.py looks at those again with the
network and writes their images; frames.py chooses among them and writes the labels.
label_folder.py corrects what was written: labels.py holds the labels of an image, label_rows.py
puts them into annotations.json, label_log.py keeps who changed what.
"""
