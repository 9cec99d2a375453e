"""`tapscope export`: what `analyze` wrote, in the formats of other programs.

study.py reads the results once and takes names away where asked; each file of formats/ writes one
format with one library. Nothing is measured here.
"""
