"""The lists of locations that installs may get their licences from."""

from bridge.store.database import Connection
from bridge.store.installs import installs, location_lists
from tests.unit.store_kit import NOW, PAGES, make_install, prune, wish


def test_a_fleet_has_each_list_once_and_in_order(db: Connection) -> None:
    many = [wish(f"S{n}", fallbacks=("branch", "annex")) for n in range(50)]
    installs.store(db, [*many, wish("other", fallbacks=("annex", "branch")), wish("one")], NOW)
    assert location_lists.load(db) == {
        "hq,branch,annex": ("hq", "branch", "annex"),
        "hq,annex,branch": ("hq", "annex", "branch"),
        "hq": ("hq",),
    }


def test_a_location_is_used_wherever_it_stands_in_a_list(db: Connection) -> None:
    make_install(db, fallbacks=("branch",))
    assert installs.any_desired(db, "hq") and installs.any_desired(db, "branch")
    assert not installs.any_desired(db, "bra") and not installs.any_desired(db, "hq,branch")


def test_an_install_stays_where_the_new_list_has_its_location_too(db: Connection) -> None:
    make_install(db, fallbacks=("branch",))
    assert make_install(db, location="annex", fallbacks=("hq",)) == make_install(
        db, location="annex", fallbacks=("hq",)
    )
    found = installs.get(db, "S1", PAGES.adam_id)
    assert found is not None and (found.location, found.locations) == ("hq", "annex,hq")
    make_install(db, location="annex", fallbacks=("branch",))
    found = installs.get(db, "S1", PAGES.adam_id)
    assert found is not None and found.location == "annex"


def test_a_list_that_no_install_has_is_forgotten(db: Connection) -> None:
    make_install(db, fallbacks=("branch",))
    make_install(db)
    prune(db, NOW)
    assert location_lists.load(db) == {"hq": ("hq",)}
