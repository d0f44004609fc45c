"""Who is in which group, and who gets an app."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.desired.desired import AppWish, Desired, Group
from bridge.domain.desired.first_contact import unplanned
from bridge.domain.desired.match import Match, fits
from bridge.domain.desired.roster import Roster
from bridge.domain.desired.versions import conditions, fulfils
from bridge.domain.devices.first import First
from bridge.domain.devices.platforms import fit, listed, platform_of
from bridge.domain.model import Device
from tests.unit.domain_kit import NOW, SERIAL, device


@pytest.mark.parametrize(
    ("text", "fulfilled_by", "not_by"),
    [
        ("17", "17 17.0 17.4.1", "16.9 18.0 170 1.7"),
        ("17.4", "17.4 17.4.1", "17.40 17 17.3"),
        ("17.0", "17 17.0.1", "17.1"),
        ("=17", "17 17.0 17.0.0", "17.0.1 17.1"),
        ("!=17.2", "17.2.1 17 18", "17.2 17.2.0"),
        (">17.9", "17.10 18", "17.9 17.9.0 17.8.9"),
        (">=17.10", "17.10 17.10.0 18 100", "17.9 17.1 9"),
        ("<18", "17.9 17.10.9 9", "18 18.0 18.1"),
        ("<=17.4", "17.4 17.4.0 17", "17.4.1 17.5"),
        (">=17.2, <18", "17.2 17.10", "17.1 18 18.0"),
        (" >= 17 ,!= 17.3,<19 ", "17.2 17.4 18.7", "17.3 19 16"),
        ("17, !=17.3", "17.2 17.3.1", "17.3 18"),
    ],
)
def test_versions_compare_part_by_part(text: str, fulfilled_by: str, not_by: str) -> None:
    for version in fulfilled_by.split():
        assert fulfils(version, text), version
    for version in not_by.split():
        assert not fulfils(version, text), version


@pytest.mark.parametrize("version", ["", "beta", "v17", "-17", "٣"])
def test_what_is_no_version_fulfils_nothing(version: str) -> None:
    assert not fulfils(version, "!=1")


def test_what_follows_a_version_is_left_out() -> None:
    assert fulfils("16.4.1 (a)", "=16.4.1")


@pytest.mark.parametrize(
    "text", ["", ",", "17,", ">=", "=>17", "==17", "17.", ".1", "17-18", "iOS 17", ">= 17 <18", "٣"]
)
def test_what_is_no_condition(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - it carries nothing but the text
        conditions(text)


NUMBERS = st.lists(st.integers(0, 30), min_size=1, max_size=4)


@given(NUMBERS, NUMBERS)
def test_exactly_one_of_less_equal_and_more(one: list[int], two: list[int]) -> None:
    version, other = (".".join(map(str, parts)) for parts in (one, two))
    assert [fulfils(version, symbol + other) for symbol in "<=>"].count(True) == 1
    assert fulfils(version, f">={other}") is not fulfils(version, f"<{other}")
    assert fulfils(version, f"<={other}") is not fulfils(version, f">{other}")
    assert fulfils(version, f"!={other}") is not fulfils(version, f"={other}")


@pytest.mark.parametrize(
    ("pattern", "fitting", "other"),
    [
        ("iPad*", ["iPad14,1", "ipad", "IPAD13,18"], ["xiPad", "iPhone14,5"]),
        ("lab-??", ["Lab-01", "LAB-xy"], ["Lab-1", "Lab-001"]),
        ("*mini*", ["Macmini9,1", "iPad mini"], ["Mac14,2"]),
        ("Lab [1]", ["lab [1]"], ["Lab 1"]),
        ("a.c", ["A.C"], ["abc"]),
        ("*", ["", "x\ny"], []),
        ("STRASSE*", ["Straße 1"], []),
        ("M\u00fcller", ["Mu\u0308ller", "M\u00dcLLER"], ["Muller"]),
    ],
)
def test_patterns(pattern: str, fitting: list[str], other: list[str]) -> None:
    for value in fitting:
        assert fits(value, pattern), value
    for value in other:
        assert not fits(value, pattern), value


IPADS_17 = Match(product_name="iPad*", os_version=">=17", name="Lab-*")


@pytest.mark.parametrize(
    ("facts", "answer"),
    [
        ({"product_name": "iPad14,1", "os_version": "17.1", "name": "Lab-1"}, "yes"),
        ({"product_name": "iPad14,1", "os_version": "16.9", "name": "Lab-1"}, "no"),
        ({"product_name": "iPad14,1", "os_version": "17.1"}, "unknown"),
        ({"product_name": "iPhone14,5"}, "no"),
        ({"product_name": None, "name": "Office"}, "no"),
        ({"product_name": None}, "unknown"),
    ],
)
def test_all_conditions_must_hold(facts: dict[str, Any], answer: str) -> None:
    assert IPADS_17.answer(device(**facts)) == answer


GROUPS = (
    Group("all", all=True),
    Group("kiosks", serials=("K1", "K2")),
    Group("sales", serials=("S1", "K2")),
    Group("nobody"),
    Group("ipads", match=Match(product_name="iPad*")),
    Group("lab", match=Match(name="Lab-*")),
)
DEVICES: dict[str, Device | None] = {
    "K1": device(serial_number="K1", product_name="iPad14,1", name="Lab-1"),
    "K2": None,
    "S1": device(serial_number="S1", product_name="iPhone14,5", enrolled=False),
    "I1": device(serial_number="I1", product_name="iPad14,1", name="Office"),
    "X1": device(serial_number="X1", product_name=None),
    "O1": device(serial_number="O1", product_name="iPad14,1", enrolled=False),
}


def app(*groups: str, exclude: tuple[str, ...] = ()) -> AppWish:
    return AppWish("361309726", groups, "hq", exclude=exclude)


@pytest.mark.parametrize(
    ("wish", "sure", "unknown", "named"),
    [
        (app("all"), "I1 K1 X1", "", ""),
        (app("kiosks"), "K1 K2", "", "K1 K2"),
        (app("kiosks", "sales"), "K1 K2 S1", "", "K1 K2 S1"),
        (app("all", exclude=("kiosks",)), "I1 X1", "", ""),
        (app("sales", exclude=("kiosks",)), "S1", "", "S1"),
        (app("kiosks", exclude=("all",)), "", "", ""),
        (app("nobody"), "", "", ""),
        (app(), "", "", ""),
        (app("unknown"), "", "", ""),
        (app("all", exclude=("unknown", "nobody")), "I1 K1 X1", "", ""),
        (app("all", "kiosks"), "I1 K1 K2 X1", "", "K1 K2"),
        (app("ipads"), "I1 K1", "X1", ""),
        (app("ipads", "all"), "I1 K1 X1", "", ""),
        (app("ipads", "kiosks"), "I1 K1 K2", "X1", "K1 K2"),
        (app("lab"), "K1", "X1", ""),
        (app("all", exclude=("ipads",)), "", "X1", ""),
        (app("kiosks", "sales", exclude=("ipads",)), "S1", "K2", "S1"),
        (app("ipads", exclude=("lab",)), "I1", "X1", ""),
        (app("sales", exclude=("lab", "kiosks")), "", "S1", ""),
    ],
)
def test_who_gets_an_app(wish: AppWish, sure: str, unknown: str, named: str) -> None:
    getting = Roster(GROUPS, DEVICES).getting(wish)
    assert getting.sure == set(sure.split())
    assert getting.unknown == set(unknown.split())
    assert getting.named == set(named.split())


NAMES = st.lists(st.sampled_from([group.name for group in GROUPS]), max_size=4).map(tuple)


@given(st.permutations(GROUPS), st.permutations(list(DEVICES)), NAMES, NAMES, st.data())
def test_the_order_of_things_decides_nothing(
    groups: list[Group],
    serials: list[str],
    inside: tuple[str, ...],
    outside: tuple[str, ...],
    data: st.DataObject,
) -> None:
    getting = Roster(GROUPS, DEVICES).getting(app(*inside, exclude=outside))
    shuffled = app(
        *data.draw(st.permutations(inside)), exclude=tuple(data.draw(st.permutations(outside)))
    )
    devices = {serial: DEVICES[serial] for serial in serials}
    assert Roster(groups, devices).getting(shuffled) == getting
    assert not getting.sure & getting.unknown


@given(NAMES, NAMES)
def test_a_device_alone_gets_what_it_gets_among_others(
    inside: tuple[str, ...], outside: tuple[str, ...]
) -> None:
    wish = app(*inside, exclude=outside)
    together = Roster(GROUPS, DEVICES).getting(wish)
    for serial, its in DEVICES.items():
        alone = Roster(GROUPS, {serial: its}).getting(wish)
        assert (serial in alone.sure) is (serial in together.sure)
        assert (serial in alone.unknown) is (serial in together.unknown)


def late(**facts: str) -> dict[str, First]:
    """What was first said after the apply."""
    return {fact: First(value, NOW + 1) for fact, value in facts.items()}


HERE = {"product_name": "iPad14,1", "os_version": "17.2", "name": "Lab-1"}


@pytest.mark.parametrize(
    ("groups", "changes", "firsts", "on_hold"),
    [
        (("ipads",), {}, late(product_name="iPad14,1"), True),
        (("ipads",), {}, {"product_name": First("iPad14,1", NOW)}, False),
        (("ipads",), {}, {}, False),
        (("ipads",), {"enrolled_after": NOW + 1}, late(product_name="iPad14,1"), False),
        (("ipads",), {"enrolled_after": NOW}, late(product_name="iPad14,1"), True),
        (("ipads",), {}, late(name="Lab-1"), False),
        (("lab",), {}, late(name="Office"), False),
        (("lab",), {}, late(name="Lab-0"), True),
        (("lab", "all"), {}, late(name="Lab-1"), False),
        (("lab", "named"), {}, late(name="Lab-1"), False),
        (("all",), {}, late(serial_number=SERIAL), False),
        (("named",), {}, late(serial_number=SERIAL), False),
        (("lab",), {}, late(serial_number=SERIAL), True),
    ],
)
def test_what_an_apply_could_not_show(
    groups: tuple[str, ...], changes: dict[str, Any], firsts: dict[str, First], on_hold: bool
) -> None:
    desired = Desired((*GROUPS, Group("named", serials=(SERIAL,))), (app(*groups),))
    found = unplanned(desired, device(**HERE | changes), firsts, NOW)
    assert found == ({"361309726"} if on_hold else set())


def test_who_turns_out_not_to_be_excluded_waits_for_an_apply() -> None:
    desired = Desired(GROUPS, (app("all", exclude=("lab",)),))
    its = device(**HERE | {"name": "Office"})
    assert unplanned(desired, its, late(name="Office"), NOW) == {"361309726"}
    assert unplanned(desired, its, late(product_name="iPad14,1"), NOW) == set()


@pytest.mark.parametrize(
    ("product_name", "platform"),
    [
        ("iPhone14,5", "iOS"),
        ("iPad14,1", "iOS"),
        ("iPod9,1", "iOS"),
        ("MacBookAir10,1", "macOS"),
        ("Mac14,2", "macOS"),
        ("iMac21,1", "macOS"),
        ("VirtualMac2,1", "macOS"),
        ("AppleTV11,1", "tvOS"),
        ("Watch6,1", "watchOS"),
        ("RealityDevice14,1", "visionOS"),
        ("HomePad1,1", None),
        ("", None),
        (None, None),
    ],
)
def test_what_runs_on_a_product(product_name: str | None, platform: str | None) -> None:
    assert platform_of(product_name) == platform
    assert fit(product_name, frozenset()) == "listed", "an app of which nothing is known"
    for other in ("iOS", "macOS", "tvOS", "watchOS", "visionOS"):
        is_listed = fit(product_name, frozenset({other})) == "listed"
        assert is_listed is (platform in (None, other))


@pytest.mark.parametrize(
    ("wish", "platforms", "sure", "unfit"),
    [
        (app("all"), "iOS", "I1 K1 X1", ""),
        (app("all"), "macOS", "X1", "I1 K1"),
        (app("all"), "", "I1 K1 X1", ""),
        (app("all"), "iOS,macOS", "I1 K1 X1", ""),
        (app("all", "kiosks"), "macOS", "K1 K2 X1", "I1"),
        (app("ipads", exclude=("lab",)), "macOS", "", "I1"),
    ],
)
def test_a_rule_means_only_devices_on_which_the_app_runs(
    wish: AppWish, platforms: str, sure: str, unfit: str
) -> None:
    getting = Roster(GROUPS, DEVICES, {("hq", wish.asset): listed(platforms)}).getting(wish)
    assert getting.sure == set(sure.split())
    assert getting.unfit == set(unfit.split())
    assert not getting.unknown & getting.unfit
