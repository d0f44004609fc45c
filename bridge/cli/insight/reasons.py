"""`reasons`: what a reason means, and what to do."""

from __future__ import annotations

import click

from bridge.cli import show
from bridge.cli.params import Word, json_option
from bridge.domain.reasons import REASONS, Meaning, meanings
from bridge.domain.wording import as_sentence


@click.command()
@click.argument("name", type=Word(REASONS), required=False)
@json_option
def reasons(name: str | None, as_json: bool) -> None:
    """Tell what a reason means and what to do about it; without a name, of all of them.

    Needs no configuration and no database.
    """
    found = [each for each in meanings() if name in (None, each["reason"])]
    if as_json:
        show.as_json({"reasons": found})
    elif name is None:
        show.table(
            ("reason", "who must act", "what is so"),
            [(m["reason"], m["who_must_act"], as_sentence(m["means"])) for m in found],
            crop=True,
        )
    else:
        _show(found[0])


def _show(meaning: Meaning) -> None:
    show.pairs(
        {
            "Reason": meaning["reason"],
            "What is so": as_sentence(meaning["means"]),
            "State": ", ".join(meaning["states"]),
            "Must act": meaning["who_must_act"],
            "Next": as_sentence(meaning["next"]),
        }
    )
    show.line()
    show.line(f"vpp-bridge installs --reason {meaning['reason']} lists where that is so.")
