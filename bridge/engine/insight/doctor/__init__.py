"""Everything that must work is tried, and for what does not it is said what to mend.

Nothing is changed by it, here or outside, save that each MDM server's hook takes in one harmless
message of ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bridge.domain.policy import DAY
from bridge.engine.context import Context
from bridge.engine.insight import contradictions, health, status
from bridge.engine.insight.doctor import hooks, inside, outside, servers
from bridge.engine.insight.doctor.clocks import clocks
from bridge.engine.insight.doctor.finding import Case, Finding, Stored, fail
from bridge.engine.intake import serials
from bridge.engine.upkeep import clock_steps
from bridge.errors import StoreError
from bridge.store import meta, pauses
from bridge.store.licences import locations

__all__ = ["Case", "Finding", "examine"]


def examine(case: Case) -> Iterator[Finding]:
    """The findings, one after the other, as the checks are made.

    A database that cannot be read after all is one of them, and ends no more than its own checks.
    """
    yield from inside.configuration(case)
    case, finished = inside.looked_through(case)
    stored = None
    for finding in inside.database(case, finished=finished):
        yield finding
        if finding.level == "fail":
            break
    else:
        try:
            stored = _stored(case)
        except StoreError as error:
            case = replace(case, trouble=error)
            yield fail("database", str(error), error.mend)
        else:
            yield from inside.wishes(case, stored)
            yield from inside.in_setup(case)
            yield from inside.paused(stored)
            yield from inside.serial_numbers(stored)
            yield from inside.declarations(stored)
            yield from inside.clock(stored)
    yield from inside.tokens(case)
    yield from outside.apple(case, stored)
    yield from servers.mdm(case, stored)
    yield from outside.receivers(case)
    yield from clocks(case)
    try:
        yield from hooks.serving(case, stored)
    except StoreError as error:
        yield fail("database", str(error), error.mend)


def _stored(case: Case) -> Stored:
    with case.database.read() as db:
        context = Context(db, case.config.policy, case.now)
        return Stored(
            instance_id=meta.recall(db, "instance_id") or "",
            desired=status.stored_by_apply(context),
            locations={name: locations.get(db, name) for name in case.config.locations},
            odd={n: tuple(health.odd_sentences(context, n)) for n in case.config.locations},
            pauses=pauses.load(db),
            contradictions=contradictions.found(context),
            claims=list(serials.claims(db)),
            shared=list(serials.shared(db)),
            clock_step=clock_steps.lately(db, case.now, DAY),
        )
