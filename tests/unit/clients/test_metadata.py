"""Apple's metadata service: who may be asked, what is sent, and every shape that comes back."""

import json
from typing import Any

import pytest

from bridge.clients.http import HttpClient
from bridge.clients.metadata import AppMetadata, MetadataClient, Place, place_of, read_lookup
from bridge.clients.rate import RateLimiter
from bridge.errors import CallError, OutcomeUnknown, Refused
from tests.unit.clients.apple.test_client import Apple
from tests.wsgi_adapter import WsgiAdapter

REAL = "https://vpp.itunes.apple.com/mdm/v2"
SIMULATED = "http://127.0.0.1:9998/mdm/v2"
PATH = "/WebObjects/MZStorePlatform.woa/wa/lookup"
ID = "361309726"
TOKEN = "eyJ0b2tlbiI6InNlY3JldCJ9Cg=="

UCLIENT = Place("https://uclient-api.itunes.apple.com", PATH)
SIMULATOR = Place("http://127.0.0.1:9998", PATH)


@pytest.mark.parametrize(
    ("url", "apple_url", "place"),
    [
        (f"https://uclient-api.itunes.apple.com{PATH}", REAL, UCLIENT),
        (f"https://uclient-api.itunes.apple.com{PATH}", SIMULATED, UCLIENT),
        (f"HTTPS://UCLIENT-API.iTunes.Apple.com:443{PATH}?x=1#y", REAL, UCLIENT),
        (
            "https://uclient-api.itunes.apple.com",
            REAL,
            Place("https://uclient-api.itunes.apple.com", "/"),
        ),
        (f"http://127.0.0.1:9998{PATH}", SIMULATED, SIMULATOR),
        (
            f"https://vpp.itunes.apple.com:443{PATH}",
            REAL,
            Place("https://vpp.itunes.apple.com", PATH),
        ),
        (f"http://127.0.0.1:9998{PATH}", REAL, None),
        (f"http://127.0.0.1{PATH}", SIMULATED, None),
        (f"https://127.0.0.1:9998{PATH}", SIMULATED, None),
        (f"http://uclient-api.itunes.apple.com{PATH}", REAL, None),
        (f"https://uclient-api.itunes.apple.com:8443{PATH}", REAL, None),
        (f"https://uclient-api.itunes.apple.com.{PATH}", REAL, None),
        (f"https://uclient-api.itunes.apple.com.evil.org{PATH}", REAL, None),
        (f"https://evil.org/uclient-api.itunes.apple.com{PATH}", REAL, None),
        (f"https://evil.org#@uclient-api.itunes.apple.com{PATH}", REAL, None),
        (f"https://evil.org?@uclient-api.itunes.apple.com{PATH}", REAL, None),
        (rf"https://evil.org\@uclient-api.itunes.apple.com{PATH}", REAL, None),
        (rf"https://uclient-api.itunes.apple.com\@evil.org{PATH}", REAL, None),
        (f"https://me:pw@uclient-api.itunes.apple.com{PATH}", REAL, None),
        (f"https://uclient-api.itunes.apple.com:0{PATH}", REAL, None),
        (f"https://uclient-api.itunes.apple.com:x{PATH}", REAL, None),
        (f"//uclient-api.itunes.apple.com{PATH}", REAL, None),
        (f"ftp://uclient-api.itunes.apple.com{PATH}", REAL, None),
        ("https://[uclient", REAL, None),
        ("", REAL, None),
    ],
)
def test_only_two_hosts_may_be_asked(url: str, apple_url: str, place: Place | None) -> None:
    assert place_of(url, apple_url) == place


class Setup:
    """`adapter.calls` lists every attempt; `waits` what the pace cost."""

    def __init__(self) -> None:
        self.apple = Apple()
        self.adapter = WsgiAdapter(self.apple)
        self.waits: list[float] = []
        http = HttpClient(
            UCLIENT.origin, service="apple", adapter=self.adapter, sleep=lambda _seconds: None
        )
        limiter = RateLimiter(4, clock=lambda: 0.0, sleep=self.waits.append)
        self.client = MetadataClient(http, PATH, TOKEN, limiter)

    def look(self, **options: str) -> AppMetadata | None:
        return self.client.lookup(ID, **{"platform": "volumestore", "country": "DE"} | options)


@pytest.fixture
def setup() -> Setup:
    return Setup()


def test_what_is_asked(setup: Setup) -> None:
    setup.apple.will({"results": {}})
    assert setup.look() is None
    setup.look(platform="macappstore", country="us")
    first, second = setup.apple.requests
    assert first["call"] == f"GET {PATH}"
    assert first["query"] == {
        "version": "2",
        "id": ID,
        "p": "mdm-lockup",
        "caller": "MDM",
        "platform": "volumestore",
        "cc": "de",
        "l": "en",
    }
    assert first["authorization"] is None
    assert (second["query"]["platform"], second["query"]["cc"]) == ("macappstore", "us")
    assert setup.waits == [0.25]


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (404, b"<html>", Refused),
        (401, {"errorNumber": 9621}, Refused),
        (429, b"", Refused),
        (500, {"results": {}}, OutcomeUnknown),
        (302, b"", OutcomeUnknown),
        (200, b"<html>maintenance", OutcomeUnknown),
        (200, [], OutcomeUnknown),
        (200, b"[" * 100_000, OutcomeUnknown),
        (200, b"\xff\xfe", OutcomeUnknown),
        (200, b"", OutcomeUnknown),
    ],
)
def test_what_is_no_answer(setup: Setup, status: int, body: object, error: type[CallError]) -> None:
    setup.apple.will(body, status, Location="https://evil.org/", Retry_After="30")
    with pytest.raises(error) as caught:
        setup.look()
    assert (caught.value.status, caught.value.retry_after) == (status, 30.0)
    assert TOKEN not in str(caught.value)
    assert len(setup.adapter.calls) == 1, "no redirect is followed, and a long wait is not ours"


def test_a_reply_that_never_came(setup: Setup) -> None:
    setup.apple.will({"results": {}})
    setup.adapter.fail("dropped", times=2)
    assert setup.look() is None
    setup.adapter.fail("dropped", times=3)
    with pytest.raises(OutcomeUnknown):
        setup.look()


APP: dict[str, Any] = {
    "id": ID,
    "name": "Pages",
    "bundleId": "com.apple.Pages",
    "watchBundleId": "com.apple.Pages.watch",
    "artistName": "Apple",
    "deviceFamilies": ["iphone", "ipad", "ipod"],
    "kind": "iosSoftware",
    "artwork": {
        "width": 1024,
        "height": 1024,
        "url": "https://is1.mzstatic.com/image/{w}x{h}{c}.{f}",
    },
    "isVppDeviceBasedLicensingEnabled": True,
    "offers": [{"version": {"display": "14.1", "externalId": 1}}],
}
ICON = "https://is1.mzstatic.com/image/128x128bb.png"
PAGES = AppMetadata(
    *("Pages", "com.apple.Pages", ICON, ("iOS",), "iosSoftware", "14.1", 1),
    families=("iphone", "ipad", "ipod"),
)


def read(found: object, adam_id: str = ID) -> AppMetadata | None:
    return read_lookup(json.loads(json.dumps({"results": {ID: found}})), adam_id)


def test_an_app_as_it_should_be(setup: Setup) -> None:
    setup.apple.will({"isAuthenticated": False, "version": 2, "results": {ID: APP}})
    assert setup.look() == PAGES


@pytest.mark.parametrize(
    "results",
    [
        None,
        {},
        [],
        [APP],
        "none",
        {"5": APP},
        {ID: None},
        {ID: []},
        {ID: "Pages"},
        {ID: APP | {"id": "5"}},
        {ID: APP | {"id": None}},
    ],
)
def test_an_app_that_is_not_found(results: object) -> None:
    assert read_lookup({"results": results}, ID) is None
    assert read_lookup({}, ID) is None


def test_the_id_may_be_a_number_or_missing() -> None:
    assert read(APP | {"id": int(ID)}) == PAGES
    assert read({key: value for key, value in APP.items() if key != "id"}) == PAGES


NOTHING = AppMetadata(None, None, None, ())


@pytest.mark.parametrize("rubbish", [None, 5, True, [], {}, [None], {"url": 5}, [[]], ""])
def test_rubbish_in_a_part_leaves_that_part_out(rubbish: object) -> None:
    parts = ("name", "bundleId", "deviceFamilies", "kind", "artwork", "offers")
    assert read({"id": ID} | dict.fromkeys(parts, rubbish)) == NOTHING
    assert read({"id": ID}) == NOTHING


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("  Pages ", "Pages"),
        ("   ", None),
        ("Pa\nges", None),
        ("\x1b[31mred", None),
        ("Übung ✓ 中", "Übung ✓ 中"),
        ("x" * 255, "x" * 255),
        ("x" * 256, None),
    ],
)
def test_names_are_one_line(text: str, kept: str | None) -> None:
    found = read({"name": text, "bundleId": text})
    assert found is not None
    assert (found.name, found.bundle_id) == (kept, kept)


@pytest.mark.parametrize(
    ("families", "kind", "platforms"),
    [
        (["iphone", "ipad", "ipod"], "iosSoftware", ("iOS",)),
        (["mac"], "desktopApp", ("macOS",)),
        (["iphone", "mac", "tvos", "watch"], "iosSoftware", ("iOS", "macOS", "tvOS", "watchOS")),
        (["iPad", "realityDevice"], None, ("iOS", "realityDevice")),
        (["mac", 5, None], None, ("macOS",)),
        ([], "desktopApp", ("macOS",)),
        (None, "iosSoftware", ("iOS",)),
        (None, "ebook", ()),
        (None, ["iosSoftware"], ()),
        ("ipad", None, ()),
    ],
)
def test_platforms(families: object, kind: object, platforms: tuple[str, ...]) -> None:
    found = read({"deviceFamilies": families, "kind": kind})
    assert found is not None
    assert found.platforms == platforms


def art(width: object, name: str = "") -> dict[str, object]:
    return {"width": width, "height": width, "url": f"https://a.example.org/{name or width}.png"}


@pytest.mark.parametrize(
    ("artwork", "icon"),
    [
        (art(64), "64"),
        ([art(512), art(128), art(60)], "128"),
        ([art(512), art(256)], "256"),
        ([art(100), art(57)], "100"),
        ([art(None, "unsized")], "unsized"),
        ([art("512", "text"), art(60)], "60"),
        ([{"width": 128}, art(512)], "512"),
        ([None, 5, art(57)], "57"),
        ([], None),
        ({"url": "http://a.example.org/1.png"}, None),
        ({"url": "javascript:alert(1)"}, None),
        ({"url": "https://a.example.org/x y.png"}, None),
        ({"url": "https://a.example.org/\u202e.png"}, None),
        ({"url": "https://me@a.example.org/1.png"}, None),
        ({"url": "https://a.example.org/" + "x" * 2000}, None),
        ({"url": "https://["}, None),
    ],
)
def test_icons(artwork: object, icon: str | None) -> None:
    found = read({"artwork": artwork})
    assert found is not None
    assert found.icon_url == (f"https://a.example.org/{icon}.png" if icon else None)


@pytest.mark.parametrize(
    ("offers", "version"),
    [
        ([{"version": {"display": " 14.1 "}}], "14.1"),
        ([{"version": {"display": "14.1"}}, {"version": {"display": "2"}}], "14.1"),
        ([{"version": {"display": 14.1}}], None),
        ([{"version": {"display": "14\n1"}}], None),
        ([{"version": {"externalId": 1}}], None),
        ([{"version": "14.1"}], None),
        ({"version": {"display": "14.1"}}, None),
    ],
)
def test_the_newest_version(offers: object, version: str | None) -> None:
    found = read({"offers": offers})
    assert found is not None
    assert found.newest_version == version
