"""What a message does not touch has nothing to decide: whatever happens, deciding all installs anew
changes nothing."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from bridge.domain.decide import decide
from bridge.domain.decision import AskFacts, TakeSeat
from bridge.domain.facts import Facts
from bridge.domain.model import Install
from bridge.engine.context import Context
from bridge.simulator.devices import script
from bridge.simulator.devices.device import Device
from bridge.store import rows
from bridge.store.installs import facts
from tests.flow.scene import MakeScene, Scene

STEPS = 12

DEEDS: list[Callable[[], script.Planned]] = [
    script.not_now,
    script.prompting,
    script.command_format_error,
    lambda: script.error(script.LICENCE_ERROR, 9610),
    lambda: script.error(script.MDM_ERROR, 12025),
    lambda: script.error(script.MDM_ERROR, 12021, request_type="ManagedApplicationList"),
    lambda: script.Planned("silent", request_type="ManagedApplicationList"),
    lambda: script.Planned("install_fails"),
    lambda: script.Planned("installs_silently"),
    lambda: script.Planned("never_arrives"),
    lambda: script.Planned("user_rejected"),
    lambda: script.Planned("silent"),
]
MANGLED = [
    (b"<string>Managed</string>", b"<string>ManagedButUninstalled</string>"),
    (b"<string>Managed</string>", b"<string>Rejected</string>"),
    (b"<key>ManagedApplicationList</key>", b"<key>Other</key>"),
    (b"<key>Status</key>\n\t\t\t<string>Managed", b"<key>Status</key>\n\t\t\t<integer>1"),
    (b"<key>QueryResponses</key>", b"<key>Other</key>"),
    (b"iPad", b"iPhone"),
]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_what_rests_may_rest(make_scene: MakeScene, seed: int) -> None:
    chance = random.Random(seed)
    scene = make_scene(devices=3, apps=4, seats=11, enrol=bool(seed % 2))
    scene.apply(scene.desired(named=seed % 3 == 0))
    settle = scene.settle

    def settled() -> None:
        settle()
        assert overlooked(scene) == []

    scene.settle = settled  # type: ignore[method-assign]
    for device in scene.world.devices:
        device.script.add(*(deed() for deed in chance.choices(DEEDS, k=4)))
    scene.world.enrol_all()
    for _ in range(STEPS):
        something_happens(scene, chance)
        scene.pass_time(chance.choice([0.5, 3, 30, 400, 400, 1800]))
        scene.reachable = True


def something_happens(scene: Scene, chance: random.Random) -> None:
    device: Device = chance.choice(scene.world.devices)
    adam_id, serial = chance.choice(scene.adam_ids), device.serial_number
    before, after = chance.choice(MANGLED)
    bridge = scene.bridge
    paused = chance.choice(["app", "serial", "all"])
    name = {"app": adam_id, "serial": serial, "all": ""}[paused]
    things: list[Callable[[], object]] = [
        lambda: device.script.add(chance.choice(DEEDS)()),
        lambda: setattr(device, "mangle", lambda _kind, answer: answer.replace(before, after)),
        lambda: setattr(device, "mangle", lambda _kind, answer: answer),
        *(4 * [lambda: device.user_deletes(adam_id)]),
        lambda: device.user_installs(adam_id),
        lambda: setattr(scene, "reachable", False),
        lambda: setattr(scene, "reachable", False),
        device.go_offline,
        device.go_online,
        device.wake,
        device.wake,
        lambda: device.reenrol(erased=chance.random() < 0.5),
        device.check_out,
        device.enrol,
        lambda: bridge.retry(serial, None),
        lambda: bridge.pause(paused, name),  # type: ignore[arg-type]
        lambda: bridge.resume(paused, name),  # type: ignore[arg-type]
        lambda: bridge.resume("all", ""),
    ]
    chance.choice(things)()


def overlooked(scene: Scene) -> list[str]:
    """The installs that are not marked, and of which another decision is due, each in words."""
    engine = scene.engine
    with scene.bridge.database.read() as db:
        context = Context(db, engine.policy, scene.now(), engine.outside.servers)
        found = db.execute(
            f"SELECT {rows.columns(Install)}, needs_seat FROM installs WHERE dirty_at IS NULL "
            "AND (next_check_at IS NULL OR next_check_at > ?)",
            (context.now,),
        ).fetchall()
        in_line = {row["id"] for row in found if row["needs_seat"]}
        installs = facts.load(db, [rows.read(Install, row) for row in found])
        return [
            f"{each.install.target} {each.install.adam_id}: {words}"
            for each in installs
            if (words := _otherwise(context, each, waits=each.install.id in in_line))
        ]


def _otherwise(context: Context, fact: Facts, *, waits: bool) -> str | None:
    install, now = fact.install, decide(fact, context.policy, context.now)
    before = (install.state, install.reason, install.detail)
    after = (now.state, now.reason, now.detail)
    if install.reason == "DEVICE_SILENT":  # since how many days is told as of the decision
        before, after = before[:2], after[:2]
    if before != after:
        return f"{before} would be {after}"
    asked = (TakeSeat, AskFacts) if waits else AskFacts  # one question is open at a time
    steps = [step for step in now.steps if not isinstance(step, asked)]
    if steps:
        return f"{before} has steps left: {steps}"
    late = now.recheck_at is not None and (
        install.next_check_at is None or install.next_check_at > now.recheck_at
    )
    return f"{before} is looked at {install.next_check_at}, not {now.recheck_at}" if late else None
