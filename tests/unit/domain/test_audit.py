"""What the audit log has, and how it is shown."""

from bridge.domain.audit import NAMES_KEPT, Actor, shown, some


def test_who_it_is_in_the_log() -> None:
    assert Actor("bridge", "bridge").shown == "bridge"
    assert Actor("key", "helpdesk", role="operate").shown == "key:helpdesk"
    assert Actor("user", "ann").shown == "cli:ann"


def test_of_many_names_the_first_are_kept() -> None:
    names = [f"S{number:03}" for number in range(200, 0, -1)]
    assert some(names) == sorted(names)[:NAMES_KEPT]


def test_a_state_is_shown_on_one_line() -> None:
    state = {
        "apps_added": {"count": 60, "names": ["1", "2"]},
        "wanted": True,
        "location": None,
        "named": ["C02X", "C02Y"],
        "reads": [],
        "devices": 2,
    }
    assert shown(state) == (
        "apps added: 60 (1, 2); wanted: yes; location: none; named: C02X, C02Y; reads: none; "
        "devices: 2"
    )
    assert shown(None) is None
