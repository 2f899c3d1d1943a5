"""The dashboard's targets, measured: `make bench-ui`.

Each file offers `measure(page)`, with a page of a service on which twenty runs have ended.
"""
