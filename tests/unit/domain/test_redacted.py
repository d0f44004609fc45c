"""What of a message's body people may see."""

import pytest

from bridge.domain.redacted import LEFT_OUT, redacted

PLANTED = "planted"


@pytest.mark.parametrize(
    "name",
    "token notificationToken UnlockToken PushMagic push_magic BootstrapToken Password passcode "
    "client_secret Authorization api_key apiKey key privateKey inviteCode Cookie".split(),
)
def test_what_may_be_a_secret_is_left_out_wherever_it_stands(name: str) -> None:
    body = {"topic": "mdm.Connect", "in": [{"deep": {name: {"is": PLANTED}}}]}
    assert redacted(body) == {"topic": "mdm.Connect", "in": [{"deep": {name: LEFT_OUT}}]}


def test_all_else_stays_as_it_is() -> None:
    body = {
        "udid": "U",
        "CommandUUID": "C",
        "keyboard": 1,
        "ManagedApplicationList": {"com.example.passport": {"Status": "Managed"}},
        "none": None,
        "list": [1.5, True, "token"],
    }
    assert redacted(body) == body
