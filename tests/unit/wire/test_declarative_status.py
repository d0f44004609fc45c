"""A declarative status report is cut down to what may be kept, whatever it holds."""

from __future__ import annotations

import json

import pytest

from bridge.errors import ShapeError
from bridge.wire.declarative_status import cut_down, managed_apps


def report(**items: object) -> bytes:
    return json.dumps({"StatusItems": items, "Errors": [{"StatusItem": "secret"}]}).encode()


def apps(*entries: object) -> bytes:
    return report(app={"managed": {"list": list(entries)}})


def test_what_is_kept() -> None:
    kept = cut_down(
        report(
            app={"managed": {"list": [{"identifier": "a.b", "state": "managed", "other": "x"}]}},
            mdm={"app": [{"identifier": "c.d", "_removed": True}], "push-token": "x"},
            device={"identifier": {"serial-number": "C02", "udid": "U"}, "model": {"family": "x"}},
            management={
                "declarations": {
                    "configurations": [
                        {"identifier": "k", "active": True, "valid": "valid", "server-token": "x"}
                    ]
                },
                "client-capabilities": {"x": "x"},
            },
            passcode={"is-compliant": "x"},
        )
    )
    assert kept == {
        "app.managed.list": [{"identifier": "a.b", "state": "managed"}],
        "mdm.app": [{"identifier": "c.d", "_removed": True}],
        "device.identifier": {"serial-number": "C02", "udid": "U"},
        "management.declarations": {
            "configurations": [{"identifier": "k", "active": True, "valid": "valid"}]
        },
    }


@pytest.mark.parametrize("data", [None, "{}", b"", b"[]", b"\xff", b"{"])
def test_what_is_no_report(data: object) -> None:
    with pytest.raises(ShapeError):
        cut_down(data)


@pytest.mark.parametrize(
    "data",
    [
        b"{}",
        b'{"StatusItems": 1}',
        report(app=[]),
        report(app={"managed": {"list": {}}}),
        apps(1, "x", None, []),
    ],
)
def test_odd_reports_tell_of_no_app(data: bytes) -> None:
    assert managed_apps(cut_down(data)) == []


def test_objects_and_huge_numbers_under_allowed_names_are_left_out() -> None:
    entry = {"identifier": "a.b", "state": {"x": 1}, "external-version-id": 2**70, "name": ["x"]}
    (app,) = managed_apps(cut_down(apps(entry)))
    assert (app.state, app.external_version) == (None, None)


def test_an_entry_without_identifier_is_left_out() -> None:
    assert managed_apps(cut_down(apps({"state": "managed"}))) == []


@pytest.mark.parametrize(
    ("codes", "telling"),
    [
        ([], None),
        (["Info.UpdateAvailable"], "Info.UpdateAvailable"),
        (["Info.UpdateAvailable", "Error.UpdateFailed"], "Error.UpdateFailed"),
        (["Error.A", "Error.B"], "Error.A"),
        ([7], None),
    ],
)
def test_of_several_reasons_the_first_error_tells(codes: list[object], telling: str | None) -> None:
    entry = {"identifier": "a.b", "state": "failed", "reasons": [{"code": c} for c in codes]}
    (app,) = managed_apps(cut_down(apps(entry)))
    assert app.reason == telling
