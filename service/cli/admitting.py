"""Commands about who is let in: `ardoise token ...` on the service's own machine, `ardoise share ...` from anywhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError
from rich.table import Table

from service.cli.options import DEFAULT_URL, AsJson, Url, connected, console
from service.cli.running import read_settings
from service.domain.access import LONGEST_DAYS, Role, Token, TokenList, TokenRequest
from service.errors import ArdoiseError

if TYPE_CHECKING:
    from service.storage import Session

tokens = typer.Typer(help="Say who may use the service. To be run where its database is.", no_args_is_help=True)
shares = typer.Typer(help="Let others look, and change nothing.", no_args_is_help=True)

Expires = Annotated[
    int | None, typer.Option("--expires", metavar="DAYS", min=1, max=LONGEST_DAYS, help="After how many days it ends.")
]


@tokens.command()
def create(
    *,
    role: Annotated[Role, typer.Option(help="Changes what is their own, what is anybody's, or the tokens as well.")],
    owner: Annotated[str, typer.Option(metavar="NAME", help="Whose it is, and whose all will be that it sends.")],
    read_only: Annotated[bool, typer.Option("--read-only", help="It changes nothing, whatever its role.")] = False,
    expires: Expires = None,
    as_json: AsJson = False,
) -> None:
    """Make a token and print it, this once. The first one closes the service to all who have none."""
    from service.tokens import create as make

    try:
        wanted = TokenRequest(role=role, owner=owner, read_only=read_only, expires_days=expires)
    except ValidationError as error:
        raise ArdoiseError(f"--owner={owner!r}: {error.errors()[0]['msg']}") from error
    with _writing() as session:
        made = make(session, wanted, now=datetime.now(UTC))
    typer.echo(made.model_dump_json() if as_json else made.token)


@tokens.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the tokens that were ever made; the secrets themselves are kept nowhere."""
    from service.storage.tokens import listing

    with _writing() as session:
        found = listing(session)
    if as_json:
        typer.echo(TokenList(items=found).model_dump_json())
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("id", "owner", "role", "made", "state"):
        table.add_column(title, no_wrap=title in {"id", "made"})
    for each in found:
        role = f"{each.role}, only reads" if each.read_only else str(each.role)
        table.add_row(each.id, each.owner, role, f"{each.created_at:%Y-%m-%d}", _state(each))
    console().print(table if found else "no token")


@tokens.command()
def revoke(token_id: Annotated[str, typer.Argument(metavar="ID", help="The token's id.")]) -> None:
    """Let a token, or the link that it is in, open nothing from the next request on."""
    from service.storage import tokens as rows

    with _writing() as session:
        revoked = rows.revoke(session, token_id, now=datetime.now(UTC))
    typer.echo(f"{revoked.id} of {revoked.owner} opens nothing any more")


@shares.command("create")
def create_share(
    *,
    experiment: Annotated[str | None, typer.Option(metavar="ID", help="Show this experiment first.")] = None,
    expires: Annotated[
        int, typer.Option("--expires", metavar="DAYS", min=1, max=LONGEST_DAYS, help="After how many days it ends.")
    ] = 30,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Make a link to the dashboard with which one looks at everything and changes nothing, and print it, this once."""
    view = "#/experiments" if experiment is None else f"#/experiments/{experiment}"
    with connected(url) as client:
        made = client.share(view, expires_days=expires)
    typer.echo(made.model_dump_json() if as_json else made.url)


@shares.command("revoke")
def revoke_share(
    share_id: Annotated[str, typer.Argument(metavar="ID", help="The link's id, as `create --json` says it.")],
    url: Url = DEFAULT_URL,
) -> None:
    """Let a link open nothing from the next request on."""
    with connected(url) as client:
        client.revoke_share(share_id)
    typer.echo(f"{share_id} opens nothing any more")


@contextmanager
def _writing() -> "Iterator[Session]":
    from service.storage import Database, migrations

    database = Database(read_settings().database)
    try:
        migrations.ensure_current(database)
        with database.writing() as session:
            yield session
    finally:
        database.close()


def _state(token: Token) -> str:
    if token.revoked_at is not None:
        return f"revoked on {token.revoked_at:%Y-%m-%d}"
    if token.expires_at is None:
        return "valid"
    until = f"{token.expires_at:%Y-%m-%d}"
    return f"valid until {until}" if token.is_valid(datetime.now(UTC)) else f"expired on {until}"
