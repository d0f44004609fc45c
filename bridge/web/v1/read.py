"""The calls that only read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from werkzeug.exceptions import NotFound

from bridge.domain.model import INSTALL_STATES
from bridge.domain.views import Page
from bridge.domain.vocabulary import (
    COMMAND_STATES,
    EVENT_SOURCES,
    EVENT_STATUSES,
    OUTBOX_STATES,
    SERVICES,
)
from bridge.web.ports import Bridge
from bridge.web.v1 import things, values
from bridge.web.v1.endpoint import PAGING, Answer, Asked, Endpoint, Parameter, Reply
from bridge.web.v1.thing import Thing, page_of

UNKNOWN_PAIR = "This app is not, and was not, wanted on this device."

_SERIAL = Parameter("serial", values.SERIAL, "Only of this device.")
_ADAM_ID = Parameter("adam_id", values.ADAM_ID, "Only of this app.")
_LOCATION = Parameter("location", values.NAME, "Only of this location.")
_SERVER = Parameter("server", values.NAME, "Only of this MDM server.")


def _list(
    name: str,
    thing: Thing,
    says: str,
    ask: Callable[[Bridge], Callable[..., Page[Any]]],
    *filters: Parameter,
) -> Endpoint:
    def handle(bridge: Bridge, asked: Asked) -> Reply:
        limit = asked["limit"] or values.DEFAULT_LIMIT
        page = ask(bridge)(**{**asked, "limit": limit})
        return Reply(200, {name: page.items, "next_cursor": page.next_cursor})

    return Endpoint(
        "GET",
        f"/v1/{name}",
        f"get_{name}",
        says,
        handle,
        (Answer(200, "A page.", page_of(name, thing)),),
        query=(*filters, *PAGING),
    )


def _get_install(bridge: Bridge, asked: Asked) -> Reply:
    found = bridge.get_install(asked["serial"], asked["adam_id"])
    if found is None:
        raise NotFound(UNKNOWN_PAIR)
    return Reply(200, found)


def _words(name: str, known: tuple[str, ...]) -> Parameter:
    return Parameter(name, values.words(name, known), f"Only of this {name}.")


READING = (
    _list(
        "installs",
        things.INSTALL,
        "Lists installs, by serial number and adam id.",
        lambda bridge: bridge.list_installs,
        _SERIAL,
        _ADAM_ID,
        _words("state", INSTALL_STATES),
        Parameter("reason", values.REASON, "Only of this reason."),
    ),
    Endpoint(
        "GET",
        "/v1/installs/{serial}/{adam_id}",
        "get_install",
        "Explains one app on one device.",
        _get_install,
        (Answer(200, "The install, why it is so, and what happened.", things.EXPLAINED),),
        refusals={404: UNKNOWN_PAIR},
    ),
    _list(
        "devices",
        things.DEVICE,
        "Lists the devices that an MDM server showed.",
        lambda bridge: bridge.list_devices,
        _SERIAL,
        _SERVER,
        Parameter("enrolled", values.FLAG, "Only those that are enrolled, or that are not."),
    ),
    _list(
        "assets",
        things.ASSET,
        "Lists what the locations own, with their seats.",
        lambda bridge: bridge.list_assets,
        _LOCATION,
        _ADAM_ID,
    ),
    _list(
        "assignments",
        things.ASSIGNMENT,
        "Lists the licences in use, whoever assigned them.",
        lambda bridge: bridge.list_assignments,
        _LOCATION,
        _ADAM_ID,
        _SERIAL,
    ),
    _list(
        "locations",
        things.LOCATION,
        "Lists the locations of the content tokens.",
        lambda bridge: bridge.list_locations,
    ),
    _list(
        "events",
        things.EVENT,
        "Lists the messages that came in, without their bodies, the newest first.",
        lambda bridge: bridge.list_events,
        _words("source", EVENT_SOURCES),
        Parameter("topic", values.TOPIC, "Only of this topic or notification type."),
        _words("status", EVENT_STATUSES),
    ),
    _list(
        "outbox",
        things.OUTGOING,
        "Lists the calls to Apple and the MDM servers, the newest first.",
        lambda bridge: bridge.list_outbox,
        _words("service", SERVICES),
        Parameter("scope", values.NAME, "Only of this location or server."),
        Parameter("kind", values.CALL_KIND, "Only of this kind."),
        _words("state", OUTBOX_STATES),
    ),
    _list(
        "commands",
        things.COMMAND,
        "Lists the bridge's MDM commands, the newest first.",
        lambda bridge: bridge.list_commands,
        _SERIAL,
        _SERVER,
        Parameter("request_type", values.REQUEST_TYPE, "Only of this request type."),
        _words("state", COMMAND_STATES),
    ),
)
