"""The buttons: a message handled again, a call made again, an install given another round, an app,
a device or a location paused and resumed.

A button is a form. What it posts must come from a page of ours: beside what a browser tells of the
site that sends it (`doorkeeper`), the form holds a token that is made of the caller's key and of
what the button does, and that no other site can know.
"""

from __future__ import annotations

import hmac
from urllib.parse import parse_qs

from flask import Request
from werkzeug.exceptions import Forbidden, NotFound

from bridge.domain.pauses import Pause, Scope, by_either
from bridge.domain.wording import as_sentence, counted
from bridge.web.body import read_body
from bridge.web.doorkeeper import Caller
from bridge.web.pages import paths
from bridge.web.pages.asked import OfApp, OfDevice, OfId, OfName
from bridge.web.pages.table import Column, Table
from bridge.web.pages.traffic import NO_CALL, NO_EVENT
from bridge.web.pages.view import Asker, View

FIELD = "token"

NO_LOCATION = "No location of this name is configured."
NO_PAIR = "This app is not, and was not, wanted on this device."
_CHANGES = (Column("in"), Column("row"), Column("column"), Column("from"), Column("to"))
_FOLLOWS = (Column("device"), Column("app"), Column("is"), Column("becomes"))


def token(caller: Caller, path: str) -> str:
    """What the form of a button must hold that posts to `path`."""
    return hmac.new(caller.key.encode(), f"POST {path}".encode(), "sha256").hexdigest()


def check(caller: Caller, request: Request, limit: int) -> None:
    """Raises Forbidden where what is posted is not a form of ours, and what `read_body` does."""
    fields = parse_qs(read_body(request, limit).decode("ascii", "replace"))
    offered = fields.get(FIELD, [""])[0]
    expected = token(caller, request.path)
    if not hmac.compare_digest(offered.encode(), expected.encode()):
        raise Forbidden("The button was not on a page of this bridge: open the page and try again.")


def replay(asker: Asker, of: OfId) -> View:
    """Handle a message again."""
    done = asker.bridge.replay_event(of.id, False)
    if done is None:
        raise NotFound(NO_EVENT)
    back = paths.event(of.id)
    if not done["ok"]:
        sentence = f"It could not be handled, and changed nothing: {done['error']}"
        return _done(f"Message {of.id}", as_sentence(sentence), back, good=False)
    changes = [
        (change["table"], str(change["row"]), column, *map(_text, values))
        for change in done["changes"]
        for column, values in change["columns"].items()
    ]
    follows = [
        (each["serial_number"], each["adam_id"], each["before"], each["after"])
        for each in done["decisions"]
    ]
    tables = (
        Table("changes", "Changed", _CHANGES, changes, empty="Nothing was changed by it."),
        Table("follows", "Follows for the installs", _FOLLOWS, follows, empty="Nothing."),
    )
    sentence = as_sentence(f"It was handled again: {done['outcome']}")
    return _done(f"Message {of.id}", sentence, back, tables=tables)


def call_again(asker: Asker, of: OfId) -> View:
    """Make a failed call due again."""
    done = asker.bridge.call_again(of.id)
    if done is None:
        raise NotFound(NO_CALL)
    title, back = f"Call {of.id}", paths.call(of.id)
    if done["why_not"] is not None:
        sentence = as_sentence(f"it is not made again: {done['why_not']}")
        return _done(title, sentence, back, good=False)
    return _done(title, "It is made again as soon as the engine can.", back)


def retry(asker: Asker, device: OfDevice, app: OfApp) -> View:
    """Give an install another round."""
    found = asker.bridge.get_install(device.serial, app.adam_id, by_either)
    if found is None:
        raise NotFound(NO_PAIR)
    number = asker.bridge.retry(device.serial, app.adam_id)
    sentence = (
        f"{counted(number, 'install')} got another round."
        if number
        else "It goes on by itself, or is not wanted: nothing was to be done."
    )
    title = f"{found['app_name'] or app.adam_id} on {found['device_name'] or device.serial}"
    return _done(title, sentence, paths.device(device.serial))


def pause_app(asker: Asker, of: OfApp) -> View:
    """Send nothing for an app."""
    return _pause(asker, "app", of.adam_id, paths.app(of.adam_id))


def resume_app(asker: Asker, of: OfApp) -> View:
    """Let an app go on."""
    return _resume(asker, "app", of.adam_id, paths.app(of.adam_id))


def pause_device(asker: Asker, of: OfDevice) -> View:
    """Send nothing to a device."""
    return _pause(asker, "serial", of.serial, paths.device(of.serial))


def resume_device(asker: Asker, of: OfDevice) -> View:
    """Let a device go on."""
    return _resume(asker, "serial", of.serial, paths.device(of.serial))


def pause_location(asker: Asker, of: OfName) -> View:
    """Send nothing for a location."""
    if of.name not in asker.bridge.config.locations:
        raise NotFound(NO_LOCATION)
    return _pause(asker, "location", of.name, paths.location(of.name))


def resume_location(asker: Asker, of: OfName) -> View:
    """Let a location go on."""
    return _resume(asker, "location", of.name, paths.location(of.name))


def _pause(asker: Asker, scope: Scope, name: str, back: str) -> View:
    new = asker.bridge.pause(scope, name)
    sentence = "Nothing more is sent for it; a call that had begun is finished."
    told = f"It is paused. {sentence}" if new else "It was paused already."
    return _done(_titled(scope, name), told, back)


def _resume(asker: Asker, scope: Scope, name: str, back: str) -> View:
    ended = asker.bridge.resume(scope, name)
    sentence = "It goes on: what was held up is due now." if ended else "It was not paused."
    return _done(_titled(scope, name), sentence, back)


def _titled(scope: Scope, name: str) -> str:
    return as_sentence(Pause(scope, name, since=0.0).what).removesuffix(".")


def _done(
    title: str, sentence: str, back: str, *, good: bool = True, tables: tuple[Table, ...] = ()
) -> View:
    context = {"sentence": sentence, "good": good, "back": back, "shown": tables}
    return View("done.html", title, tables, context, status=200 if good else 409)


def _text(value: object) -> str | None:
    return None if value is None else str(value)
