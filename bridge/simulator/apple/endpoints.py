"""What each endpoint of Apple's API v2 checks and answers; the common envelope is added later."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bridge.simulator.apple.apple import Apple, AppleSettings, Location, status_of
from bridge.simulator.apple.errors import Refusal
from bridge.simulator.apple.library import SERIAL, USER, Asset, AssetKey, Page, Target

Query = Mapping[str, str]
Body = Mapping[str, object]


def assets(apple: Apple, location: Location, query: Query) -> dict[str, object]:
    """GET /assets. Source: Apple, "Get Assets".

    `unlimited=true` lists assets without a limit apart, `false` leaves them out; without it they
    are listed like the others.
    """
    wanted = _asset_filter(query)
    unlimited = _flag(query, "unlimited")
    key = tuple(sorted((name, text) for name, text in query.items() if name != "pageIndex"))
    rows = location.library.rows_of_assets(
        key, lambda asset: wanted(asset) and (unlimited is None or not asset.unlimited)
    )
    page = _page(apple, location, rows, query)
    body = {"assets": page.rows} | page.frame
    if unlimited:
        body["unlimitedAssets"] = [
            asset.as_unlimited_json()
            for asset in location.library.assets.values()
            if asset.unlimited and wanted(asset)
        ]
    return body


def _asset_filter(query: Query) -> Callable[[Asset], bool]:
    checks: list[Callable[[Asset], bool]] = []

    def check(name: str, value: Callable[[Asset], object]) -> None:
        if name in query:
            checks.append(lambda asset: value(asset) == query[name])

    check("adamId", lambda asset: asset.adam_id)
    check("pricingParam", lambda asset: asset.pricing_param)
    check("productType", lambda asset: asset.product_type)
    revocable, assignable = _flag(query, "revocable"), _flag(query, "deviceAssignable")
    low, high = _number(query, "minAvailableCount"), _number(query, "maxAvailableCount")
    least, most = _number(query, "minAssignedCount"), _number(query, "maxAssignedCount")

    def wanted(asset: Asset) -> bool:
        return (
            all(fits(asset) for fits in checks)
            and (revocable is None or asset.revocable == revocable)
            and (assignable is None or asset.device_assignable == assignable)
            and _between(low, asset.available, high)
            and _between(least, asset.assigned, most)
        )

    return wanted


def _between(low: int | None, value: int, high: int | None) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)


def assignments(apple: Apple, location: Location, query: Query) -> dict[str, object]:
    """GET /assignments. Source: Apple, "Get Assignments".

    `sinceVersionId` lists what was assigned since; what was taken away is never shown.
    """
    since = 0
    if "sinceVersionId" in query:
        write = location.library.write_of(query["sinceVersionId"])
        if write is None:
            raise Refusal(9721)
        since = write
    names = ("adamId", "pricingParam", SERIAL, USER)
    wanted = {name: query[name] for name in names if name in query}
    page = _page(apple, location, location.library.rows_of_assignments(wanted, since), query)
    return {"assignments": page.rows} | page.frame


def _page(apple: Apple, location: Location, rows: list[Mapping[str, object]], query: Query) -> Page:
    index = _number(query, "pageIndex")
    page = location.library.page(rows, index or 0, apple.settings.page_size)
    if page is None:
        raise Refusal(9650)
    return page


def associate(apple: Apple, location: Location, body: Body) -> dict[str, object]:
    """POST /assets/associate: `eventId` now, the deed later."""
    keys = _assets(apple, location, body)
    targets = _targets(apple, location, body)
    barred = [key for key in keys if not location.library.assets[key].device_assignable]
    if barred and any(target.kind == SERIAL for target in targets):
        raise Refusal(9707, {"assets": _named(barred)})
    return {"eventId": apple.submit(location, "ASSOCIATE", keys, targets).event_id}


def disassociate(apple: Apple, location: Location, body: Body) -> dict[str, object]:
    """POST /assets/disassociate; a pair that is not held counts as completed (not documented)."""
    keys = _assets(apple, location, body)
    targets = _targets(apple, location, body)
    barred = [key for key in keys if not location.library.assets[key].revocable]
    if barred:
        raise Refusal(9706, {"assets": _named(barred)})
    return {"eventId": apple.submit(location, "DISASSOCIATE", keys, targets).event_id}


def revoke(apple: Apple, location: Location, body: Body) -> dict[str, object]:
    """POST /assets/revoke: all that can be taken back from the targets."""
    limits = ("maxRevokeSerialNumbers", "maxRevokeClientUserIds")
    targets = _targets(apple, location, body, limits)
    return {"eventId": apple.submit(location, "REVOKE", (), targets).event_id}


def status(_: Apple, location: Location, query: Query) -> dict[str, object]:
    """GET /status?eventId=…"""
    event = location.events.get(query.get("eventId", ""))
    if event is None:
        raise Refusal(9708)
    return status_of(event)


def client_config(location: Location) -> dict[str, object]:
    """GET /client/config. The reply carries the notification token in clear."""
    return {
        "countryISO2ACode": location.country,
        "defaultPlatform": "enterprisestore",
        "locationName": location.name,
        "websiteURL": "https://business.apple.com",
    } | location.client.as_json()


def lookup(
    names: Mapping[str, tuple[str, str]], settings: AppleSettings, query: Query
) -> dict[str, object]:
    """The content metadata service: apps by adam id; what it does not know is absent.

    `names` maps an adam id to (bundle id, name). The version is 1.0, as of what devices install,
    unless the settings name another; their `ios_apps` are for iOS, also where they run on Macs.
    """
    wanted = [adam_id for adam_id in query.get("id", "").split(",") if adam_id in names]
    return {
        "isAuthenticated": False,
        "results": {
            adam_id: {
                "id": adam_id,
                "bundleId": names[adam_id][0],
                "name": names[adam_id][1],
                "artistName": "Example",
                "offers": [{"version": _version(adam_id, settings)}],
                **_release(adam_id, settings),
                **({"kind": "iosSoftware"} if adam_id in settings.ios_apps else {}),
            }
            for adam_id in wanted
        },
        "version": 2,
    }


def _assets(apple: Apple, location: Location, body: Body) -> tuple[AssetKey, ...]:
    given = body.get("assets")
    if not isinstance(given, list) or not given:
        raise Refusal(9718)
    if len(given) > apple.settings.limits["maxAssets"]:
        raise Refusal(9700)
    keys = [_asset(item) for item in given]
    if len(set(keys)) < len(keys):
        raise Refusal(9703)
    # Which number Apple uses for an asset that is not the location's is not documented.
    strange = [key for key in keys if key not in location.library.assets]
    if strange:
        raise Refusal(9602, {"assets": _named(strange)})
    return tuple(keys)


def _asset(item: object) -> AssetKey:
    values = item if isinstance(item, dict) else {}
    adam_id, pricing_param = values.get("adamId"), values.get("pricingParam", "STDQ")
    if not isinstance(adam_id, str) or not isinstance(pricing_param, str):
        raise Refusal(9602)
    return adam_id, pricing_param


def _named(keys: list[AssetKey]) -> list[dict[str, str]]:
    return [{"adamId": adam_id, "pricingParam": price} for adam_id, price in keys]


def _targets(
    apple: Apple,
    location: Location,
    body: Body,
    limits: tuple[str, str] = ("maxSerialNumbers", "maxClientUserIds"),
) -> tuple[Target, ...]:
    serials, users = _texts(body, "serialNumbers"), _texts(body, "clientUserIds")
    if not serials and not users:
        raise Refusal(9719)
    for given, limit, too_many, twice in (
        (serials, limits[0], 9702, 9705),
        (users, limits[1], 9701, 9704),
    ):
        if len(given) > apple.settings.limits[limit]:
            raise Refusal(too_many)
        if len(set(given)) < len(given):
            raise Refusal(twice)
    strange = [user for user in users if user not in location.users]
    if strange:
        raise Refusal(9609, {"clientUserIds": strange})
    # Serial numbers are taken as they come: Apple accepts nonsense.
    return tuple(
        [Target(SERIAL, serial) for serial in serials] + [Target(USER, user) for user in users]
    )


def _texts(body: Body, name: str) -> list[str]:
    given = body.get(name) or []
    if not isinstance(given, list) or not all(isinstance(item, str) and item for item in given):
        raise Refusal(9602)
    return given


def _flag(query: Query, name: str) -> bool | None:
    if name not in query:
        return None
    if query[name] not in {"true", "false"}:
        raise Refusal(9602)
    return query[name] == "true"


def _number(query: Query, name: str) -> int | None:
    if name not in query:
        return None
    try:
        return int(query[name])
    except ValueError:
        raise Refusal(9602) from None


def _version(adam_id: str, settings: AppleSettings) -> dict[str, object]:
    told: dict[str, object] = {"display": settings.newest_versions.get(adam_id, "1.0")}
    external = settings.external_versions.get(adam_id)
    return told if external is None else told | {"externalId": external}


def _release(adam_id: str, settings: AppleSettings) -> dict[str, object]:
    """Of an app with numbered versions, for which devices these are."""
    if adam_id not in settings.external_versions:
        return {}
    told: dict[str, object] = {"kind": "iosSoftware", "deviceFamilies": ["iphone", "ipad", "ipod"]}
    needs = settings.minimum_os.get(adam_id)
    return told | {"minimumOSVersion": needs} if needs else told
