"""`python -m service.cli` is `ardoise`."""

from service.cli import app

app()
