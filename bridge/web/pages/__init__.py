"""Status pages for people: made on the server, of the same views that `status`, `why` and the API
have; the key of the API opens them.

They need no script. With it, what is marked `data-live` is read anew now and then (static/live.js).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from flask import Blueprint, Flask, Response, g, request
from werkzeug.exceptions import MethodNotAllowed, NotFound

from bridge.domain.audit import Action
from bridge.domain.roles import Role
from bridge.web import problems
from bridge.web.doorkeeper import called, declare, let_in
from bridge.web.pages import (
    apps,
    asked,
    audit,
    buttons,
    devices,
    drift,
    locations,
    overview,
    render,
    search,
    traffic,
    users,
)
from bridge.web.pages.files import Files
from bridge.web.pages.times import Times
from bridge.web.pages.view import Asker, View
from bridge.web.ports import Bridge
from bridge.web.v1.request import Request, members, read_query

STATIC = "/static"


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its rule, the classes of what its path names and of its query, and what makes it.

    `handle` takes who asks, then an object for each of `of`, then the query if it takes any.
    """

    rule: str
    handle: Callable[..., View]
    of: tuple[type[Request], ...] = ()
    asks: type[Any] = asked.Plain

    def answer(self, asker: Asker, in_path: Mapping[str, str]) -> Response:
        """The page that is asked for, or one of its tables."""
        query = read_query(self.asks, request.args)
        of = [read_path(cls, in_path) for cls in self.of]
        given = [] if self.asks is asked.Plain else [query]
        view = self.handle(asker, *of, *given)
        if query.csv is not None:
            return render.as_csv(asker, view, query.csv)
        return render.as_html(asker, view)


@dataclass(frozen=True, slots=True)
class Button:
    """One button: where it posts to, what it does, the role that a key needs for it, and what the
    audit log calls it."""

    rule: str
    handle: Callable[..., View]
    of: tuple[type[Request], ...]
    role: Role
    action: Action

    def answer(self, asker: Asker, in_path: Mapping[str, str]) -> Response:
        """Do what the button says, and tell what came of it."""
        limit = asker.bridge.config.policy.limits.api_body
        buttons.check(asker.caller, request, limit)
        acting = replace(asker, bridge=asker.bridge.acting(asker.caller.via(called(request))))
        view = self.handle(acting, *(read_path(cls, in_path) for cls in self.of))
        return render.as_html(asker, view)


PAGES = (
    Page("/", overview.page),
    Page("/apps", apps.page),
    Page("/apps/<adam_id>", apps.one, (asked.OfApp,), asked.Installs),
    Page("/devices", devices.page, asks=asked.Devices),
    Page("/devices/<serial>", devices.one, (asked.OfDevice,)),
    Page("/locations/<name>", locations.page, (asked.OfName,)),
    Page("/drift", drift.page, asks=asked.Drift),
    Page("/users", users.page, asks=asked.Users),
    Page("/events", traffic.events, asks=asked.Events),
    Page("/events/<id>", traffic.event, (asked.OfId,)),
    Page("/outbox", traffic.calls, asks=asked.Calls),
    Page("/outbox/<id>", traffic.call, (asked.OfId,)),
    Page("/audit", audit.page, asks=asked.Audit),
    Page("/search", search.page, asks=asked.Search),
)
BUTTONS = (
    Button("/events/<id>/replay", buttons.replay, (asked.OfId,), "operate", "replay"),
    Button("/outbox/<id>/retry", buttons.call_again, (asked.OfId,), "operate", "retry_call"),
    Button(
        "/devices/<serial>/<adam_id>/retry",
        buttons.retry,
        (asked.OfDevice, asked.OfApp),
        "operate",
        "retry",
    ),
    Button("/apps/<adam_id>/pause", buttons.pause_app, (asked.OfApp,), "operate", "pause"),
    Button("/apps/<adam_id>/resume", buttons.resume_app, (asked.OfApp,), "operate", "resume"),
    Button("/devices/<serial>/pause", buttons.pause_device, (asked.OfDevice,), "operate", "pause"),
    Button(
        "/devices/<serial>/resume", buttons.resume_device, (asked.OfDevice,), "operate", "resume"
    ),
    Button("/locations/<name>/pause", buttons.pause_location, (asked.OfName,), "operate", "pause"),
    Button(
        "/locations/<name>/resume", buttons.resume_location, (asked.OfName,), "operate", "resume"
    ),
)

_PLACES = {page.rule.split("/")[1] for page in PAGES} | {STATIC.strip("/")}


def read_path(cls: type[Request], in_path: Mapping[str, str]) -> Request:
    """What a path names; raises the HTTP error for what is no such name."""
    return cls(
        **{each.name: each.form.read(in_path[each.name], each.type) for each in members(cls)}
    )


def register(app: Flask, bridge: Bridge) -> None:
    """Add the pages to `app`, with the doorkeeper before all of them, and its errors as pages."""
    pages = Blueprint("pages", __name__, template_folder="templates")
    files = Files()
    render.prepare(pages)

    def guard() -> None:
        if _is_page():
            g.caller = let_in(bridge, request)

    def finish(response: Response) -> Response:
        if _is_page():
            for name, value in render.HEADERS.items():
                response.headers[name] = value
            if request.path.startswith(STATIC + "/"):
                response.headers["Cache-Control"] = "no-cache"
        return response

    def failed(error: Exception) -> Response:
        if not _is_page():
            nowhere = request.path == "/" and isinstance(error, MethodNotAllowed)
            return problems.answer(NotFound() if nowhere else error)
        found = problems.told(error)
        g.told = found.sentence
        response = Response(render.problem(found.code, found.sentence), found.code)
        response.mimetype = "text/html"
        response.headers.update(found.headers)
        return response

    every: tuple[Page | Button, ...] = (*PAGES, *BUTTONS)
    for number, each in enumerate(every):
        method = "GET" if isinstance(each, Page) else "POST"
        pages.add_url_rule(each.rule, f"page{number}", _view(bridge, each), methods=[method])
        if isinstance(each, Button):
            declare(app, f"pages.page{number}", each.role)
    pages.add_url_rule(f"{STATIC}/<name>", "static", files.answer)
    app.before_request(guard)
    app.after_request(finish)
    app.register_error_handler(Exception, failed)
    app.register_blueprint(pages)


def _view(bridge: Bridge, page: Page | Button) -> Callable[..., Response]:
    def view(**in_path: str) -> Response:
        times = Times(bridge.config.policy, bridge.now())
        return page.answer(Asker(bridge, g.caller, times), in_path)

    return view


def _is_page() -> bool:
    """Whether the request is for a page, known or not.

    What is posted to the root is not: an MDM server does whose webhook URL lacks its path.
    """
    if request.path == "/" and request.method not in ("GET", "HEAD", "OPTIONS"):
        return False
    return request.path.lstrip("/").partition("/")[0] in _PLACES
