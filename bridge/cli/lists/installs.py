"""`installs`: every app on every device, whose turn it is, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from bridge.cli import show
from bridge.cli.lists.known import check
from bridge.cli.lists.listing import Item, Listing, Shown, list_options
from bridge.cli.names import ADAM_ID, GROUP, SERIAL
from bridge.cli.params import Word
from bridge.cli.root import Settings
from bridge.domain.model import INSTALL_STATES
from bridge.domain.reasons import REASONS
from bridge.domain.views import Page
from bridge.domain.views.installs import Install
from bridge.engine.insight import installs as insight

if TYPE_CHECKING:
    from bridge.cli.stored import Stored

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

FILTERS = (
    click.option(
        "--state",
        type=click.Choice(INSTALL_STATES),
        metavar="S",
        help=f"Only those in this state: {', '.join(INSTALL_STATES)}.",
    ),
    click.option("--reason", type=Word(REASONS), metavar="R", help="Only those for this reason."),
    click.option(
        "--needs-someone",
        is_flag=True,
        help="Only those that go no further before somebody acts: where `why` exits with 1.",
    ),
    click.option("--app", "adam_id", type=ADAM_ID, metavar="A", help="Only those of this app."),
    click.option("--group", type=GROUP, metavar="G", help="Only those of this group's devices."),
    click.option("--serial", type=SERIAL, metavar="S", help="Only those of this device."),
)


def filtered(command: Decorated) -> Decorated:
    """Adds the filters of installs; of `filters_of` what of them is given."""
    for option in reversed(FILTERS):
        command = option(command)
    return command


def filters_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """The filters that were given, as the list takes them."""
    return {name: value for name, value in options.items() if value not in (None, False)}


@click.command()
@filtered
@click.option("--by", type=click.Choice(["reason"]), help="Count them by this instead.")
@list_options
@click.pass_obj
def installs(
    settings: Settings, /, by: Literal["reason"] | None, shown: Shown, **options: Any
) -> None:
    """List every app on every device: its state, whose turn it is, and why.

    With --needs-someone all that waits for somebody, in one look; with --by reason how much that is
    and whose turn it is. The exit code is 0 whatever it shows.
    """
    filters = filters_of(options)
    with settings.open_stored() as stored:
        check(stored, serial=options["serial"], adam_id=options["adam_id"])
        if by is None:
            INSTALLS.show(partial(page, stored), shown, **filters)
            return
        with stored.read() as context:
            counts = insight.by_reason(context, **filters)
    _by_reason(counts, shown)


def page(stored: Stored, **filters: Any) -> Page[Install]:
    """A page, in a transaction of its own: whoever reads on at leisure holds nobody up."""
    with stored.read() as context:
        return insight.page(context, **filters)


def _by_reason(counts: Sequence[Item], shown: Shown) -> None:
    fields = ("count", "state", "reason", "who_must_act", "needs_someone")
    if shown.form == "json":
        show.as_json({"reasons": counts})
    elif shown.form == "csv":
        show.as_csv(fields)
        for count in counts:
            show.as_csv([count[field] for field in fields])
    elif not counts:
        show.line("No installs.")
    else:
        show.table(
            ("installs", "state", "reason", "who must act"),
            [(c["count"], c["state"], c["reason"], c["who_must_act"]) for c in counts],
        )


def _row(install: Item) -> tuple[object, ...]:
    return (
        install["serial_number"] or install["enrollment_id"] or install["client_user_id"],
        install["device_name"],
        install["adam_id"],
        install["app_name"],
        install["state"],
        install["reason"],
        install["who_must_act"],
        install["sentence"],
    )


INSTALLS = Listing(
    "installs",
    ("serial", "device", "app", "name", "state", "reason", "who must act", "sentence"),
    _row,
    (
        "serial_number",
        "device_name",
        "adam_id",
        "app_name",
        "state",
        "reason",
        "who_must_act",
        "needs_someone",
        "sentence",
        "detail",
        "enrollment_id",
        "client_user_id",
        "version",
        "newest_version",
        "bundle_id",
        "pricing_param",
        "location",
        "server",
        "udid",
        "wanted_by",
        "attempts",
        "since",
        "updated_at",
        "next_check_at",
    ),
    spare=("device", "sentence", "name"),
)
