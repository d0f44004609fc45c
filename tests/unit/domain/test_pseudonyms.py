"""Names are replaced wherever they stand, the same each time, and nothing else is."""

from bridge.domain.pseudonyms import Pseudonyms, phrases, words

ONE, OTHER = Pseudonyms("one instance"), Pseudonyms("another")
SERIAL = "C02XL0GYJGH5"


def test_the_same_name_has_the_same_pseudonym_under_one_key_alone() -> None:
    assert (
        ONE.of("serial", SERIAL) == ONE.of("serial", SERIAL.lower()) != OTHER.of("serial", SERIAL)
    )
    assert ONE.of("serial", SERIAL) != ONE.of("user", SERIAL)


def test_what_a_member_names_is_replaced_wherever_it_stands() -> None:
    shown = ONE.replaced(
        {
            "serial_number": SERIAL,
            "sentence": f"{SERIAL} waits; run vpp-bridge why {SERIAL.lower()} 361309726.",
            "device_name": "Ann's iPad (2)",
            "next": "Ask for Ann's iPad (2), not for Joann's iPad.",
            "by": {SERIAL: 1},
        },
        {},
        set(),
    )
    serial = ONE.of("serial", SERIAL)
    assert shown["serial_number"] == serial and shown["by"] == {serial: 1}
    assert shown["sentence"] == f"{serial} waits; run vpp-bridge why {serial} 361309726."
    assert "Ann's" not in str(shown).replace("Joann's", "") and "Joann's iPad" in shown["next"]


def test_what_is_known_is_replaced_where_no_member_says_so() -> None:
    text = f"user:ann.b, enrolment:E-1, mdm:{SERIAL}@x, boss@example.org, Ann's iPad and ENROL-2"
    shown = ONE.replaced([text], {SERIAL: "serial", "ENROL-2": "enrolment"}, {"Ann's iPad"})[0]
    for gone in ("ann.b", "E-1", SERIAL, "boss@", "Ann's", "ENROL-2"):
        assert gone not in shown
    assert shown.startswith(f"user:{ONE.of('user', 'ann.b')}, enrolment:")


def test_what_names_nobody_stays() -> None:
    told = {"adam_id": "361309726", "at": "2026-11-22T05:26:16Z", "name": "hq", "n": 3, "no": None}
    assert ONE.replaced(told, {}, set()) == told


def test_secrets_of_people_are_left_out() -> None:
    assert ONE.replaced({"invitation_url": "https://x", "state": "sent"}, {}, set()) == {
        "state": "sent"
    }


def test_a_short_serial_number_is_replaced_in_its_place_alone() -> None:
    shown = ONE.replaced({"serial_number": "1", "url": "http://127.0.0.1:1"}, {}, set())
    assert shown == {"serial_number": ONE.of("serial", "1"), "url": "http://127.0.0.1:1"}


def test_words_and_phrases_to_look_up() -> None:
    assert {SERIAL, "ann.b", "hq"} <= words({"hq": [f"user:ann.b {SERIAL.lower()}"]})
    assert {"Ann's iPad", "iPad", "s iPad (2"} <= phrases("Ann's iPad (2)")
