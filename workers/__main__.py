"""`python -m workers`: a supervisor and its workers."""

import argparse
import sys

from service import logs
from service.settings import Settings
from workers.supervisor import supervise


def main() -> int:
    """Read the command line; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m workers", description=__doc__)
    parser.add_argument("--count", type=int, help="worker processes (default: ARDOISE_WORKERS)")
    parser.add_argument("--drain", action="store_true", help="end when the queue is empty")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end with the process that started this one")
    arguments = parser.parse_args()
    settings = Settings()
    logs.configure(settings)
    count = arguments.count if arguments.count is not None else max(1, settings.worker_count)
    return supervise(settings, count=count, drain=arguments.drain, until_stdin_closes=arguments.until_stdin_closes)


if __name__ == "__main__":
    sys.exit(main())
