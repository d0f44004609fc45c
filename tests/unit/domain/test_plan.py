"""The sums of a plan, and what is compared to make them."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.desired.change import (
    Change,
    Cohort,
    compare,
    refusal,
    removals_allowed,
)
from bridge.domain.facts import AssetFacts
from bridge.domain.installs.options import Options
from bridge.domain.model import Asset
from bridge.domain.plan import Plan, Unable
from bridge.domain.plan.seats import Owners, Seats, count_seats

PAGES = Asset("361309726")
SERIALS = [f"S{number}" for number in range(12)]


def counts(total: int = 100, **changes: object) -> AssetFacts:
    facts = AssetFacts(total, total, False, True, "App", "iOS", 0.0, 0.0)
    return replace(facts, **changes)  # type: ignore[arg-type]


def sums(
    wanting: dict[str, tuple[int, float]] | list[str],
    owners: Owners = Owners(),  # noqa: B008 - frozen
    free: int | None = 100,
    facts: AssetFacts | None = counts(),  # noqa: B008 - frozen
    counted: bool = True,
) -> Seats:
    wishes = wanting if isinstance(wanting, dict) else dict.fromkeys(wanting, (0, 0.0))
    return count_seats(
        "hq",
        PAGES,
        wishes.keys(),
        owners,
        facts,
        free=free,
        counted=counted,
        line=lambda _: wishes,
        name="Pages",
    )


def cohort(serials: list[str] | set[str], **changes: object) -> Cohort:
    made = Cohort(PAGES, "hq", 0, Options(), "file", frozenset(serials))
    return replace(made, **changes)  # type: ignore[arg-type]


def test_the_sentence_has_all_that_is_counted() -> None:
    wanting = {f"S{n:02}": (0, float(n)) for n in range(40)}
    owned = frozenset(f"S{n:02}" for n in range(9))
    gone = frozenset({"X1", "X2", "X3"})
    found = sums(wanting, Owners(owned | gone, frozenset({"S09"}), gone, frozenset({"X1"})), 26)
    assert found.sentence() == (
        "hq, Pages (361309726): needs 40, holds 9, 1 asked for, 26 free of 100, 3 reclaimable "
        "(1 of them come back), 3 short; these wait: S37, S38, S39"
    )


def test_who_waits_has_the_lowest_priority_and_then_the_youngest_wish() -> None:
    found = sums({"A": (0, 1.0), "B": (1, 9.0), "C": (0, 2.0), "D": (0, 2.0)}, free=2)
    assert found.waiting == ("C", "D")


@pytest.mark.parametrize(
    ("facts", "free", "counted", "short", "said"),
    [
        (counts(), 1, True, 2, "1 free of 100"),
        (counts(), -3, True, 3, "0 free of 100"),
        (counts(unlimited=True, available=None), None, True, 0, "unlimited"),
        (None, None, True, 3, "none is owned there"),
        (None, None, False, 0, "nobody has counted the free ones yet"),
    ],
)
def test_what_is_free_and_what_is_known_of_it(
    facts: AssetFacts | None, free: int | None, counted: bool, short: int, said: str
) -> None:
    found = sums(["A", "B", "C"], free=free, facts=facts, counted=counted)
    assert found.short == short
    assert said in found.sentence()


@given(
    wanting=st.dictionaries(
        st.sampled_from(SERIALS), st.tuples(st.integers(-2, 2), st.floats(0, 9)), max_size=12
    ),
    owned=st.frozensets(st.sampled_from(SERIALS)),
    asked=st.frozensets(st.sampled_from(SERIALS)),
    free=st.integers(0, 12),
)
def test_every_device_has_a_licence_asked_for_one_gets_one_or_waits(
    wanting: dict[str, tuple[int, float]], owned: frozenset[str], asked: frozenset[str], free: int
) -> None:
    found = sums(wanting, Owners(owned, asked), free)
    assert found.needs == len(wanting)
    need = found.needs - found.holds - found.asked
    assert found.short == len(found.waiting) == max(0, need - free)
    assert not set(found.waiting) & (owned | asked)
    assert set(found.waiting) <= wanting.keys()
    order = sorted(wanting)
    for waits in found.waiting:
        for goes in wanting.keys() - owned - asked - set(found.waiting):
            mine, other = wanting[waits], wanting[goes]
            assert (-other[0], other[1], order.index(goes)) < (
                -mine[0],
                mine[1],
                order.index(waits),
            )


@given(
    before=st.frozensets(st.sampled_from(SERIALS)),
    after=st.frozensets(st.sampled_from(SERIALS)),
    limit=st.none() | st.integers(0, 12),
    gone=st.integers(0, 5),
)
def test_the_change_splits_what_is_wanted(
    before: frozenset[str], after: frozenset[str], limit: int | None, gone: int
) -> None:
    change = compare([cohort(set(before))], [cohort(set(after))], limit=limit, gone=gone)
    assert {serial for serial, _ in change.added} == after - before
    assert {serial for serial, _ in change.removed} == before - after
    assert change.kept == len(before & after)
    assert change.held_back <= change.added
    going = len(change.added) - len(change.held_back)
    assert going == (
        len(change.added) if limit is None else min(len(change.added), max(limit - gone, 0))
    )


@given(st.frozensets(st.sampled_from(SERIALS)), st.randoms())
def test_a_limit_does_not_depend_on_order(serials: frozenset[str], random: object) -> None:
    apps = [Asset(str(number)) for number in range(3)]
    made = [cohort(set(serials), asset=asset, priority=int(asset.adam_id)) for asset in apps]
    once = compare([], made, limit=4)
    again = compare([], made[::-1], limit=4)
    assert once == again


def test_the_same_is_no_change_and_another_way_is_told_apart() -> None:
    one = cohort(["A", "B"])
    assert not compare([one], [one]).touches_installs
    assert not compare([one], [replace(one, desired_by="one-off")]).touches_installs
    changed = compare([one], [cohort(["A"]), cohort(["B"], priority=1)])
    assert changed.otherwise == {("B", PAGES.adam_id)}
    assert (changed.kept, changed.unchanged) == (2, 1)


def test_what_no_apply_has_shown_is_added_and_what_a_limit_held_is_let_go() -> None:
    before = [
        cohort(["A"], on_hold="NOT_PLANNED"),
        cohort(["B"], on_hold="HELD_BACK"),
        cohort(["C"]),
    ]
    change = compare(before, [cohort(["A", "B", "C"])])
    assert change.added == {("A", PAGES.adam_id)}
    assert change.let_go == {("B", PAGES.adam_id)}
    assert (change.kept, change.held_back) == (2, frozenset())
    limited = compare(before, [cohort(["A", "B", "C"])], limit=1)
    assert limited.let_go == frozenset()
    assert limited.held_back == {("B", PAGES.adam_id)}


def test_too_many_removals_are_refused_and_the_plan_says_so() -> None:
    change = compare([cohort(SERIALS)], [cohort(["S0"])])
    why = "it would remove 11 of 12 installs, but no more than 10 without --allow-removals 11"
    assert refusal(change, None) == why
    assert refusal(change, 11) is None
    assert refusal(change, 0) is not None
    assert plan(change=change).remarks() == [f"An apply is refused like this: {why}."]


@pytest.mark.parametrize(("stored", "allowed"), [(0, 10), (200, 10), (219, 10), (220, 11)])
def test_how_many_removals_need_no_word(stored: int, allowed: int) -> None:
    assert removals_allowed(stored) == allowed


def plan(**changes: object) -> Plan:
    nothing: frozenset[tuple[str, str]] = frozenset()
    change = Change(nothing, nothing, nothing, 0, nothing, nothing, stored=0)
    made = Plan(change, is_new=False, names={"1": "Pages", "2": None})
    return replace(made, **changes)  # type: ignore[arg-type]


def test_remarks_are_sentences() -> None:
    made = plan(
        unable=(
            Unable("A", "1", "NOT_DEVICE_ASSIGNABLE"),
            Unable("B", "1", "NOT_DEVICE_ASSIGNABLE"),
        ),
        unseen=("C",),
        unknown=1,
        nameless=2,
        without_bundle_id=("1", "2"),
        notes=("A note.",),
    )
    assert made.not_seen() == ["A note."]
    assert made.remarks() == [
        "Pages (1) cannot be assigned to devices; it is wanted on A, B.",
        "1 serial number is not shown by any server yet: C.",
        "Of 1 device a match needs facts that nobody knows yet; run vpp-bridge sync devices to ask "
        "for them.",
        "2 user-enrolled devices without a serial number: no group means them.",
        "No bundle id is known yet of Pages (1), app 2: a device tells it after an install.",
    ]
    assert plan().remarks() == []
    assert plan().nothing_to_do
    assert not plan(is_new=True).nothing_to_do
