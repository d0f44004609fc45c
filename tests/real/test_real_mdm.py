"""Starting a real MicroMDM and being a device that it believes."""

import http.client
from pathlib import Path

import pytest

from bridge.errors import BridgeError
from bridge.simulator import templates
from bridge.simulator.devices.device import Device
from bridge.simulator.mdm.identity import enrol_identity
from bridge.simulator.mdm.real_mdm import RealMicroMdm
from tests.real.lab import API_KEY, Webhook, call, enrol, idle, post_and_wait

pytestmark = pytest.mark.real


def test_a_message_that_the_device_did_not_sign_is_refused(
    mdm: RealMicroMdm, device: Device
) -> None:
    body = templates.idle(device)
    signature = mdm.identity(device.udid).headers(body)["Mdm-Signature"]
    for sent, expected in [(body, 200), (body + b"\n", 500)]:
        connection = http.client.HTTPConnection("127.0.0.1", mdm.port, timeout=20)
        connection.request("PUT", "/mdm/connect", sent, {"Mdm-Signature": signature})
        assert connection.getresponse().status == expected
        connection.close()


def test_a_restart_keeps_devices_and_commands(webhook: Webhook, tmp_path: Path) -> None:
    with RealMicroMdm(tmp_path, webhook.url, API_KEY) as mdm:
        device = enrol(mdm, webhook)
        post_and_wait(mdm, device.udid, "a")
        mdm.stop()
        with pytest.raises(ConnectionRefusedError):
            call(mdm, "GET", "/version")
        mdm.start()
        assert idle(device) == "a"


def test_what_stands_in_the_way_of_a_real_server_is_said(
    mdm: RealMicroMdm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BridgeError, match="scepclient failed"):
        enrol_identity(mdm.url, "a wrong challenge", tmp_path / "one", "one")
    (tmp_path / "config").write_text("not a directory")
    second = RealMicroMdm(tmp_path, "http://127.0.0.1:1/", API_KEY)
    with pytest.raises(BridgeError, match=r"did not start.*not a directory"):
        second.start()
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BridgeError, match="`scepclient` is not on PATH"):
        enrol_identity(mdm.url, "micromdm", tmp_path / "two", "two")
    with pytest.raises(BridgeError, match="`micromdm` is not on PATH"):
        second.start()
