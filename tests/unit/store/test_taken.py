"""Which settings a device is known to have, by the commands that it was sent."""

import pytest

from bridge.domain.installs.settings import InstallSettings
from bridge.domain.policy import RetentionPolicy
from bridge.store.commands import attempts, commands, ends
from bridge.store.commands.commands import Answer
from bridge.store.database import Connection
from tests.unit.store_kit import NOW, make_command, make_device, make_install, prune

FLAGGED = InstallSettings(management_flags=4).as_text()


def taken(db: Connection, install_id: int) -> list[str]:
    return list(attempts.of_installs(db, [install_id]).taken.values())


@pytest.mark.parametrize(
    ("answer", "counts"),
    [
        (Answer("Acknowledged"), True),
        (Answer("Acknowledged", app_state="Managed"), True),
        (Answer("Acknowledged", app_state="Failed", rejection_reason="NotSupported"), False),
        (Answer("Error", "MCMDMErrorDomain", 12064), False),
    ],
)
def test_a_device_has_what_it_accepted(db: Connection, answer: Answer, counts: bool) -> None:
    device = make_device(db)
    install_id = make_install(db)
    make_command(db, "a", device, install_id=install_id, settings=FLAGGED)
    commands.posting(db, [("a", device.enrolment)])
    commands.answered(db, "a", answer, NOW)
    assert taken(db, install_id) == ([FLAGGED] if counts else [])


@pytest.mark.parametrize(
    ("posted", "renews", "counts"),
    [(True, False, True), (True, True, False), (False, False, False)],
)
def test_what_was_given_up_counts_only_if_it_may_have_brought_the_app(
    db: Connection, posted: bool, renews: bool, counts: bool
) -> None:
    device = make_device(db)
    install_id = make_install(db)
    make_command(db, "a", device, install_id=install_id, settings=FLAGGED, renews=renews)
    if posted:
        commands.posting(db, [("a", device.enrolment)])
        commands.in_doubt(db, "a", NOW)
    ends.cancel(db, "a", NOW, "settled_otherwise")
    assert taken(db, install_id) == ([FLAGGED] if counts else [])


def test_what_a_device_took_last_outlives_later_failures(db: Connection) -> None:
    device = make_device(db)
    install_id = make_install(db)
    for number, status in enumerate(("Acknowledged", "Acknowledged", "Error", "Error")):
        uuid = f"c{number}"
        make_command(db, uuid, device, install_id=install_id, now=NOW + number)
        commands.posting(db, [(uuid, device.enrolment)])
        commands.answered(db, uuid, Answer(status), NOW + number)
    prune(db, NOW + 100, RetentionPolicy(outbox=0.0))
    left = [command.command_uuid for command in commands.of_install(db, install_id)]
    assert left == ["c1", "c3"]
