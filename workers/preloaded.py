"""What every worker needs, imported once: the fork server imports this, and the workers are forked from it.

Importing torch costs two seconds of processor time; a worker that is forked starts in a few tens of milliseconds, and
shares the memory of what was imported. Nothing may be computed here: threads do not survive a fork.
"""

from workers.worker import work

__all__ = ["work"]
