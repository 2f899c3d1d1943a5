"""What all processes of a service count, added up: `measures.py` says what there is, `GET /metrics` shows it.

A process counts in memory that is a file of its own (`tally.py`): a count costs less than a microsecond, asks nobody,
and is there for the others at once, and after the process was killed. Who is asked adds the files up (`sums.py`).
"""
