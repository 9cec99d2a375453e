"""Result files: tables, JSON, figures as bytes, the columns and their meaning, provenance.

Only file formats enter, nothing is measured here. The same content must give the same bytes.
A column is added in columns.py.
"""
