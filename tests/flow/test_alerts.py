"""Alerts: who is told what, once of each change, and that nothing is lost or told in a burst."""

from collections.abc import Callable

import pytest

from bridge.store.licences import locations
from tests.flow.alerts_kit import Told
from tests.flow.scene import DAY, HOUR, Scene, rarely

MakeScene = Callable[..., Scene]


@pytest.fixture
def told(make_scene: MakeScene) -> Told:
    scene = make_scene(devices=1, apps=1, macs=0, policy=rarely())
    scene.settle()
    return Told(scene)


def expire(scene: Scene, within: float) -> None:
    """The content token ends so soon."""
    with scene.bridge.database.write() as db:
        locations.update(db, "hq", token_file_expires_at=scene.now() + within)


def test_a_token_that_ends_is_told_once_and_again_each_day_and_that_it_is_renewed(
    told: Told,
) -> None:
    scene, chat = told.scene, told.chat
    told.pass_time(120)
    assert chat.take() == []
    expire(scene, 10 * DAY)
    began = scene.now()
    told.pass_time(60)
    (said,) = chat.said
    assert said["alert"] == "token"
    assert said["state"] == "firing"
    assert said["subject"] == {"location": "hq"}
    assert "the content token expires in 9 days" in said["sentence"]
    assert "download a new token" in said["sentence"]
    assert said["bridge"] == "https://bridge.example.org"
    assert set(said) == {"alert", "state", "since", "subject", "sentence", "bridge"}
    chat.take()
    told.pass_time(began + DAY - 120 - scene.now())
    assert chat.take() == []
    told.pass_time(300)
    assert chat.take() == ["token firing"]
    expire(scene, 300 * DAY)
    told.pass_time(60)
    assert "All clear" in chat.said[0]["sentence"]
    assert chat.take() == ["token resolved"]
    told.pass_time(2 * DAY, step=HOUR)
    assert chat.take() == []
