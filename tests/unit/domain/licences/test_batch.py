"""Requests to Apple: exactly the needed pairs, within the limits, and few."""

from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.licences.batch import Rectangle, rectangles
from bridge.domain.model import Asset, Pair


def asset(number: int) -> Asset:
    return Asset(str(number), "STDQ")


def every(serials: range, apps: range) -> list[Pair]:
    """Every one of these apps for every one of these devices."""
    return [Pair(asset(a), f"S{s:05}") for s in serials for a in apps]


def cut(pairs: list[Pair], max_assets: int = 25, max_serials: int = 1000) -> list[Rectangle]:
    return rectangles(pairs, max_assets=max_assets, max_serial_numbers=max_serials)


PAIRS = st.lists(
    st.builds(
        Pair,
        st.builds(Asset, st.sampled_from("123456"), st.sampled_from(["STDQ", "PLUS"])),
        st.sampled_from("ABCDEFGH"),
    )
)


@given(PAIRS, st.integers(1, 4), st.integers(1, 4))
def test_exactly_the_needed_pairs_within_the_limits(
    pairs: list[Pair], max_assets: int, max_serials: int
) -> None:
    found = cut(pairs, max_assets, max_serials)
    asked = Counter(pair for rectangle in found for pair in rectangle.pairs())
    assert asked == Counter(set(pairs)), "disjoint, complete, nothing that nobody wants"
    for rectangle in found:
        assert 1 <= len(rectangle.assets) <= max_assets
        assert 1 <= len(rectangle.holders) <= max_serials
        assert len(set(rectangle.assets)) == len(rectangle.assets), "9703"
        assert len(set(rectangle.holders)) == len(rectangle.holders), "9705"
        assert len(rectangle) == len(list(rectangle.pairs()))


@given(PAIRS, st.randoms(use_true_random=False))
def test_the_order_of_the_wishes_changes_nothing(pairs: list[Pair], random: Random) -> None:
    shuffled = list(pairs)
    random.shuffle(shuffled)
    assert cut(shuffled, 2, 3) == cut(pairs, 2, 3)


@given(PAIRS, st.integers(1, 4), st.integers(1, 4))
def test_never_more_requests_than_one_asset_at_a_time(
    pairs: list[Pair], max_assets: int, max_serials: int
) -> None:
    need = Counter(pair.asset for pair in set(pairs))
    assert len(cut(pairs, max_assets, max_serials)) <= sum(
        -(-count // max_serials) for count in need.values()
    )


def test_nothing_needed_nothing_asked() -> None:
    assert cut([]) == []


def test_every_device_wants_the_same_25_apps() -> None:
    assert len(cut(every(range(10_000), range(25)))) == 10


def test_a_thousand_devices_want_40_apps() -> None:
    assert [len(r.assets) for r in cut(every(range(1000), range(40)))] == [25, 15]


def test_one_device_wants_26_apps() -> None:
    assert [len(r) for r in cut(every(range(1), range(26)))] == [25, 1]


def test_two_groups_that_overlap() -> None:
    # 3,000 devices with 10 apps, 2,500 with 8; 1,000 devices are in both, 4 apps in both lists.
    pairs = every(range(3000), range(10)) + every(range(2000, 4500), range(6, 14))
    assert len({p.asset for p in pairs}) == 14
    assert len(cut(pairs)) == 5


def test_devices_with_apps_at_random() -> None:
    random = Random(5)
    pairs = [Pair(asset(a), f"S{s:05}") for s in range(5000) for a in random.sample(range(40), 20)]
    need = Counter(pair.asset for pair in pairs)
    assert len(cut(pairs)) <= sum(-(-count // 1000) for count in need.values())
