"""The page in which a rater looks at recordings and corrects them, and the comparison of raters.

A web server on this machine alone; what it changes are the logs of `tapscope.corrections`.
"""
