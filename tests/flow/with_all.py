"""A scene with some of all that the lists show: apps, users, subscriptions, an alert and drift."""

from __future__ import annotations

from dataclasses import replace

from bridge.domain.alerts import Fault, standing
from bridge.domain.users.wish import UserWish
from bridge.store.alerts import alerts
from bridge.store.commands import unknown
from bridge.store.commands.unknown import UnknownCommand
from tests.flow.scene import Scene

ANN, APP, SUBSCRIPTION = "client-100", 54321, 12345


def work(scene: Scene) -> None:
    """Every app comes to every device, and users and subscriptions are known."""
    scene.config = replace(scene.config, subscriptions=("hq",))
    scene.restart()
    of_apple = scene.world.location.subscriptions
    of_apple.buy(SUBSCRIPTION, 20, parent_adam_id=APP)
    of_apple.associate(SUBSCRIPTION, ANN)
    scene.apply(replace(scene.desired(), users=(UserWish(ANN, location="hq"),)))
    scene.run(lambda: scene.all_installed() and bool(scene.bridge.list_users().items))
    scene.run(lambda: any(x["assignments"] for x in scene.bridge.list_subscriptions().items))
    fault = Fault("token", {"location": "hq"}, "location hq: it was said to end")
    alert = standing.look(None, fault, 0.0, scene.now())
    assert alert is not None
    with scene.bridge.database.write() as db:
        alerts.keep(db, alert)
        telling = standing.Telling("chat.example.org", alert.alert, alert.subject)
        alerts.keep_telling(db, telling)
        serial = scene.serials[0]
        theirs = UnknownCommand(1, "their-uuid", serial, "", "RemoveApplication", scene.now())
        unknown.keep(db, 1, serial, [theirs])
