"""SPARQL for strangers: a query is checked, run in a confined process, and cut off in time.

`guard` refuses what must not run, `host` runs the rest, `results` picks the format, `protocol` speaks HTTP.
"""
