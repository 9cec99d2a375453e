"""Web pages of commands: served to this machine only.

`server` refuses whoever is not the page itself. What the pages show is in `review` and `live`.
"""
