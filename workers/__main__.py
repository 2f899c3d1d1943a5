"""`python -m workers`: a supervisor of `--count` workers; with `--slot`, one such worker, which only it starts."""

import argparse
import sys

from service import logs
from service.settings import Settings


def main() -> int:
    """Read the command line; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m workers", description=__doc__)
    parser.add_argument("--count", type=int, help="worker processes (default: ARDOISE_WORKERS)")
    parser.add_argument("--drain", action="store_true", help="end when the queue is empty")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end with the process that started this one")
    parser.add_argument("--slot", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, default=1, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    settings = Settings()
    logs.configure(settings)
    if arguments.slot:
        from workers.worker import work

        work(settings, threads=arguments.threads, drain=arguments.drain)
        return 0
    from workers.supervisor import supervise

    count = arguments.count if arguments.count is not None else max(1, settings.worker_count)
    return supervise(settings, count=count, drain=arguments.drain, until_stdin_closes=arguments.until_stdin_closes)


if __name__ == "__main__":
    sys.exit(main())
