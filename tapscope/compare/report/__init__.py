"""report.html and its figures: results in, text, tables and figures out.

page.py sets the order of the sections, *_sections.py fill them, html.py and the template draw
them. Only numbers that are in the results enter: nothing is computed here.
"""
