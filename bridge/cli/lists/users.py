"""`users`: who is registered at Apple, and by which link a person accepts."""

from __future__ import annotations

from collections.abc import Iterator

import click

from bridge.cli import show
from bridge.cli.lists.known import check
from bridge.cli.lists.listing import Item, Listing, Shown, list_options
from bridge.cli.names import LOCATION
from bridge.cli.params import json_option
from bridge.cli.root import BAD_NEWS, Settings
from bridge.domain.users.facts import USER_STATES
from bridge.domain.users.inviting import FINE


@click.group(invoke_without_command=True)
@click.option("--location", type=LOCATION, metavar="L", help="Only those of this location.")
@click.option("--user", "client_user_id", metavar="U", help="Only this clientUserId.")
@click.option(
    "--state",
    type=click.Choice(USER_STATES),
    metavar="S",
    help=f"Only those in this state: {', '.join(USER_STATES)}.",
)
@click.option(
    "--wanted/--unwanted",
    default=None,
    help="Only those that the file names, as last applied, or the others.",
)
@list_options
@click.pass_context
def users(
    ctx: click.Context,
    location: str | None,
    client_user_id: str | None,
    state: str | None,
    wanted: bool | None,
    shown: Shown,
) -> int:
    """List the users at Apple: those that the file names, and all others that Apple told of.

    With --json and --csv there is the link by which a person accepts the invitation; whoever has it
    can take the user's licences with an Apple Account of their own. With a Managed Apple Account
    none is needed.
    """
    if ctx.invoked_subcommand is not None:
        return 0
    settings: Settings = ctx.obj
    with settings.open_bridge() as bridge:
        check(bridge, location=location)
        filters = {"location": location, "client_user_id": client_user_id}
        USERS.show(bridge.list_users, shown, **filters, state=state, wanted=wanted)
    return 0


@users.command(epilog="Example: vpp-bridge users invite client-100")
@click.argument("client_user_ids", metavar="ID...", nargs=-1, required=True)
@click.option("--location", type=LOCATION, metavar="L", help="Only at this location.")
@json_option
@click.pass_obj
def invite(
    settings: Settings, client_user_ids: tuple[str, ...], location: str | None, as_json: bool
) -> int:
    """Have a device of these users show the invitation to accept licences.

    An iPhone or iPad shows it to whoever holds it, a Mac and a Shared iPad to the user who is
    logged in; a user enrolment shows none. Where it cannot be shown, or was shown less than
    policy.users.invite_again ago, the link to hand over is printed: whoever has it can take the
    user's licences. Exit code 0 when all are invited or need no invitation, 1 when one could not
    be, 2 for a user whom nobody knows: then nobody is invited.
    """
    with settings.open_bridge() as bridge:
        check(bridge, location=location)
        done = bridge.invite(client_user_ids, location)
    if as_json:
        show.as_json({"invitations": done})
    else:
        for each in done:
            show.line(each["sentence"])
            if url := each["invitation_url"]:
                show.line(f"  Hand over: {url}")
    return 0 if all(each["outcome"] in FINE for each in done) else BAD_NEWS


def _lines(user: Item) -> Iterator[Item]:
    """The user, its devices as one text."""
    yield {**user, "devices": " ".join(user["devices"])}


def _row(user: Item) -> tuple[object, ...]:
    return (
        user["location"],
        user["client_user_id"],
        user["state"],
        user["email"],
        len(user["devices"].split()),
        show.at(user["since"]),
        user["sentence"],
        user["invitation_url"],
    )


USERS = Listing(
    "users",
    ("location", "user", "state", "e-mail", "devices", "since", "what is so", "invitation"),
    _row,
    (
        "location",
        "client_user_id",
        "state",
        "reason",
        "sentence",
        "next",
        "who_must_act",
        "email",
        "email_from",
        "managed_apple_id",
        "status",
        "id_hash",
        "invite_code",
        "invitation_url",
        "invited_at",
        "invitation",
        "devices",
        "wanted",
        "by_us",
        "since",
        "heard_at",
    ),
    spare=("since", "e-mail", "what is so"),
    lines=_lines,
)
