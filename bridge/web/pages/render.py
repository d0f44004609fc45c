"""A page as HTML, or one of its tables as CSV; and what goes with each answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain, islice
from typing import Any

from flask import Blueprint, Response, render_template, request
from werkzeug.exceptions import NotFound

from bridge.web.doorkeeper import may_post
from bridge.web.pages import buttons, paths, states
from bridge.web.pages.table import EXPORTED_AT_ONCE, Link, Table
from bridge.web.pages.view import Asker, View
from bridge.web.version import version

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Everything is ours, and nothing stands within a page that a browser would run."""

NOTHING = "default-src 'none'; frame-ancestors 'none'"
"""The policy of what is no page."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}

USERS = "/users"
"""It stands in the navigation where there are any."""

NAVIGATION = (
    Link("Overview", "/"),
    Link("Apps", "/apps"),
    Link("Devices", "/devices"),
    Link("Drift", "/drift"),
    Link("Users", USERS),
    Link("Messages", "/events"),
    Link("Calls", "/outbox"),
    Link("Audit", "/audit"),
)


def as_html(asker: Asker, view: View) -> Response:
    """The page."""
    has_users = bool(asker.bridge.list_users(limit=1).items)
    page = render_template(
        view.template,
        navigation=[link for link in NAVIGATION if link.path != USERS or has_users],
        title=view.title,
        times=asker.times,
        visitor=asker.caller,
        may_post=partial(may_post, asker.caller),
        token=lambda path: buttons.token(asker.caller, path),
        here=request.path,
        asked=view.asked,
        **view.context,
    )
    return Response(page, view.status, mimetype="text/html")


def as_csv(asker: Asker, view: View, name: str) -> Response:
    """One of its tables; as long as it is short, whoever has it already need not read it again."""
    table = next((each for each in view.tables if each.name == name), None)
    if table is None:
        known = ", ".join(each.name for each in view.tables)
        raise NotFound(f"This page has no table {name}; its tables are {known}.")
    lines = table.lines(asker.times)
    first = list(islice(lines, EXPORTED_AT_ONCE + 1))
    is_short = len(first) <= EXPORTED_AT_ONCE
    body: str | Iterable[str] = "".join(first) if is_short else _bytes(first, lines)
    response = Response(body, mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    if is_short:
        response.add_etag()
        response.make_conditional(request)
    return response


def _bytes(first: Iterable[str], rest: Iterator[str]) -> Iterator[str]:
    """A few lines at a time, since each piece is written on its own."""
    lines = chain(first, rest)
    while piece := "".join(islice(lines, EXPORTED_AT_ONCE)):
        yield piece


def problem(code: int, sentence: str) -> str:
    """The page that says why there is none."""
    return render_template(
        "problem.html",
        title="Not shown",
        code=code,
        sentence=sentence,
        navigation=[link for link in NAVIGATION if link.path != USERS],
    )


def prepare(pages: Blueprint) -> None:
    """Let the templates of `pages` use what all of them need."""

    @pages.app_context_processor
    def common() -> dict[str, Any]:
        return {
            "version": version(),
            "paths": paths,
            "tones": states.TONES,
            "csv_of": csv_of,
            "more_of": more_of,
            "is_link": is_link,
        }


def csv_of(path: str, asked: dict[str, object], table: Table) -> str:
    """Where a table may be had as CSV, with the filters of its page."""
    return paths.with_query(path, _texts(asked) | {"csv": table.name})


def more_of(path: str, asked: dict[str, object], table: Table) -> str:
    """The page with the rows that follow."""
    return paths.with_query(path, _texts(asked) | {"cursor": table.next_cursor})


def is_link(cell: object) -> bool:
    """Whether a cell of a table leads somewhere."""
    return isinstance(cell, Link)


def _texts(asked: dict[str, object]) -> dict[str, object]:
    """A query's values as it writes them."""
    return {
        name: str(value).lower() if isinstance(value, bool) else value
        for name, value in asked.items()
    }
