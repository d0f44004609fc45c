"""Typed readings of devices' messages."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ShapeError
from bridge.wire import device_report as report
from bridge.wire import plist

DEVICE = Path(__file__).parents[2] / "samples" / "device"
IPAD = "1C7B9F52-0A64-4E0B-9B0D-6B1E8F3A7D10"
COMMAND = "b5d2f7c4-61a9-4f0e-8a37-0d9c1e5b7f21"
ALL_APART = "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"


def device(name: str) -> dict[str, object]:
    return plist.loads_dict((DEVICE / f"{name}.plist").read_bytes())


@pytest.mark.parametrize(
    ("message", "channel"),
    [
        ({"UDID": "u"}, "device"),
        ({"UDID": "u", "UserID": ""}, "device"),
        ({"UDID": "u", "UserID": "x", "UserShortName": "n"}, "user"),
        ({"UDID": "u", "UserID": ALL_APART}, "shared-ipad-user"),
        ({"UDID": "u", "EnrollmentID": "e"}, "device"),
        ({"EnrollmentID": "e"}, "enrollment"),
        ({"EnrollmentID": "e", "EnrollmentUserID": "x"}, "enrollment-user"),
        (device("token-update"), "device"),
        (device("token-update-user"), "user"),
        (device("token-update-shared-ipad"), "shared-ipad-user"),
        (device("authenticate-user-enrollment"), "enrollment"),
    ],
)
def test_the_channel_tells_who_speaks(message, channel):
    assert report.parse_identity(message).channel == channel


@pytest.mark.parametrize(
    "message", [{}, {"UDID": ""}, {"UDID": 7}, {"UDID": "u", "UserID": 7}, {"EnrollmentID": b"e"}]
)
def test_a_message_of_nobody(message):
    with pytest.raises(ShapeError):
        report.parse_identity(message)


def test_authenticate():
    read = report.parse_authenticate(device("authenticate"))
    assert read == report.AuthenticateReport(
        identity=report.Identity(IPAD, None, None, None, "device"),
        serial_number="DMQX10ABCD12",
        product_name="iPad13,18",
        model="MYFM2LL",
        model_name="iPad",
        os_version="18.1",
        build_version="22B83",
        device_name="Reception iPad",
    )
    assert report.parse_authenticate(device("authenticate-mac")).device_name == "Studio & Büro"


def test_authenticate_without_serial_number():
    for odd in ({}, {"SerialNumber": ""}, {"SerialNumber": " "}, {"SerialNumber": 7}):
        assert report.parse_authenticate({"UDID": "u", **odd}).serial_number is None
    assert report.parse_authenticate(device("authenticate-user-enrollment")).serial_number is None


def test_results():
    assert report.parse_status(device("idle")) == "Idle"
    assert report.parse_error_chain(device("idle")) == ()
    failed = device("install-error")
    assert report.parse_status(failed) == "Error"
    assert report.parse_error_chain(failed) == (
        report.ErrorEntry(
            "MDMErrorDomain",
            12064,
            "Die Lizenz für die App konnte nicht geladen werden.",
            "Could not retrieve license for the app.",
        ),
        report.ErrorEntry("DMCAppErrorDomain", 2605, "Keine Lizenz.", None),
    )
    assert report.parse_status({"Status": "Pondering"}) == "Pondering"


@pytest.mark.parametrize(
    ("chain", "codes"),
    [
        (None, []),
        ("x", []),
        ([7, {"ErrorCode": "9610"}, {"ErrorCode": True}, {}], [9610, None, None]),
        ({}, []),
        (
            [{"ErrorCode": 2**63}, {"ErrorCode": "9" * 19}, {"ErrorCode": -(2**63)}],
            [None, None, -(2**63)],
        ),
    ],
)
def test_an_odd_error_chain_is_read_as_far_as_it_can_be(chain, codes):
    read = report.parse_error_chain({"ErrorChain": chain})
    assert [entry.code for entry in read] == codes


@pytest.mark.parametrize("message", [{}, {"Status": 7}, {"Status": " "}])
def test_a_result_without_a_status(message):
    assert report.parse_status(message) is None


def test_install_results():
    assert report.parse_install_result(device("install-error")) == report.InstallResult(
        "org.example.sketch", "Failed", "Other"
    )
    assert report.parse_install_result({"State": 7}) == report.InstallResult(None, None, None)


def test_managed_list():
    assert report.parse_managed_list(device("managed-list")) == (
        report.ManagedApp("org.example.sketch", "Managed", 861029384, 5, True, True),
        report.ManagedApp("org.example.authtoken", "PromptingForLogin", None, 1, False, False),
    )
    for empty in ({}, []):
        assert report.parse_managed_list({"ManagedApplicationList": empty}) == ()
    for entry in ({"Status": 7}, 7, "Managed", [], True):
        odd = report.parse_managed_list({"ManagedApplicationList": {"a": entry}})
        assert odd == (report.ManagedApp("a", None, None, None, None, None),)


def test_installed_list():
    listed = report.parse_installed_list(device("installed-list"))
    assert listed is not None
    first, second = listed
    assert first == report.InstalledApp(
        bundle_id="org.example.sketch",
        name="Sketch",
        version="4200",
        short_version="4.2",
        external_version=861029384,
        installing=False,
        is_validated=True,
        app_store_vendable=True,
        device_based_vpp=True,
        has_update_available=True,
        download_failed=False,
        download_waiting=False,
        download_paused=False,
        download_cancelled=False,
    )
    assert (second.bundle_id, second.installing, second.device_based_vpp) == (None, True, None)
    for empty in ({}, []):
        assert report.parse_installed_list({"InstalledApplicationList": empty}) == ()
    for entry in (7, "x", [], {"Identifier": 7}):
        assert report.parse_installed_list({"InstalledApplicationList": [entry]}) == (None,)


@pytest.mark.parametrize("listed", [None, "x", "", 0, 7, False, True, b""])
@pytest.mark.parametrize("more", [[7], {"a": 7}])
def test_a_list_that_is_none_is_not_taken_for_an_empty_one(listed, more):
    for value in (listed, more if isinstance(more, list) else listed):
        with pytest.raises(ShapeError):
            report.parse_managed_list({"ManagedApplicationList": value})
    for value in (listed, more if isinstance(more, dict) else listed):
        with pytest.raises(ShapeError):
            report.parse_installed_list({"InstalledApplicationList": value})
    for read in (report.parse_managed_list, report.parse_installed_list):
        with pytest.raises(ShapeError):
            read({})


def test_device_information():
    assert report.parse_device_information(device("device-information")) == report.DeviceFacts(
        serial_number="DMQX10ABCD12",
        udid=IPAD,
        device_name="Reception iPad",
        product_name="iPad13,18",
        model="MYFM2LL",
        model_name="iPad",
        os_version="18.1",
        build_version="22B83",
        is_supervised=True,
    )
    partly = report.parse_device_information({"QueryResponses": {"SerialNumber": "S", "UDID": 7}})
    assert (partly.serial_number, partly.udid, partly.is_supervised) == ("S", None, None)
    with pytest.raises(ShapeError):
        report.parse_device_information(device("idle"))


odd_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)
NAMES = [
    *("UDID", "EnrollmentID", "UserID", "EnrollmentUserID", "Status", "CommandUUID", "ErrorChain"),
    *("Identifier", "State", "RejectionReason", "ManagedApplicationList", "SerialNumber"),
    *("InstalledApplicationList", "QueryResponses", "OSVersion"),
]


@given(
    st.dictionaries(
        st.sampled_from(NAMES),
        odd_values | st.dictionaries(st.sampled_from(NAMES), odd_values, max_size=3),
    )
)
def test_wrong_types_raise_shape_error_only(message):
    for read in (
        report.parse_authenticate,
        report.parse_status,
        report.parse_error_chain,
        report.parse_install_result,
        report.parse_managed_list,
        report.parse_installed_list,
        report.parse_device_information,
    ):
        try:
            read(message)
        except ShapeError:
            pass
