"""What every worker needs, imported once: the fork server imports this, and the workers are forked from it.

Importing torch and its optimizers costs four seconds of processor time; a worker that is forked starts in a few tens of
milliseconds, and shares the memory of what was imported. Nothing may be computed here: threads do not survive a fork.
"""

import torch._dynamo  # noqa: F401  # the first optimizer imports it, and it takes as long as torch itself

from workers.worker import work

__all__ = ["work"]
