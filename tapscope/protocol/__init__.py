"""Protocols: TOML files become frozen settings with a content hash.

Only the rules of the measurement enter: values with unit, meaning and limits. The stages import
their rules from here; nothing here measures.
"""
