"""What a serial number is, and what stands in place of one."""

import pytest

from bridge.domain.devices.serials import Told, told


@pytest.mark.parametrize(
    "text",
    [
        "C02XL0GYJGH5",
        "c02xl0gyjgh5",
        " F9FXH0ABCD-1 ",
        "VMWARE1",
        "0001",
        "Z" * 63 + "1",
        "NANO1",
        "DEFAULT1",
    ],
)
def test_a_number_is_upper_cased_as_apple_has_it(text: str) -> None:
    assert told(text) == Told(serial_number=text.strip().upper())


@pytest.mark.parametrize(
    "text",
    [
        "None",
        "NONE",
        "n/a",
        "NA",
        "N-A",
        "unknown",
        "Default",
        "Not Specified",
        "NotSpecified",
        "not-available",
        "System Serial Number",
        "System-Serial-Number",
        "To be filled by O.E.M.",
        "ToBeFilled",
        "To-Be-Filled-By-OEM",
        "0",
        "000000000000",
        "xxxx",
        "aAaA",
        "0-0-0",
        "X",
        "-",
        "....",
        "A B",
        "VM0J+4b9/x",
        "Parallels-3F 42 58",
        "A" * 65,
        "C02\u00e9",
        "\u0130",
    ],
)
def test_what_is_none_is_kept_as_evidence(text: str) -> None:
    said = told(text)
    assert said.serial_number is None
    assert said.claims == text[:64]


@pytest.mark.parametrize("text", [None, "", "  "])
def test_nothing_is_nothing(text: str | None) -> None:
    assert told(text) == Told()


def test_a_claim_does_not_disturb_a_terminal() -> None:
    assert told("A\x1b[2JB\n").claims == "A?[2JB"
