"""What pages are asked with: the filters of the API's lists, and which of its tables as CSV."""

from __future__ import annotations

from typing import Annotated

from bridge.web.v1 import forms
from bridge.web.v1.read import (
    ListAudit,
    ListDevices,
    ListDrift,
    ListEvents,
    ListInstalls,
    ListOutbox,
    ListUsers,
)
from bridge.web.v1.request import Request

_Csv = Annotated[forms.Name | None, "The table that is wanted as CSV."]
_Text = Annotated[str, forms.Form("Write what is searched for as text.")]


class Plain(Request, frozen=True, kw_only=True):
    """A page that takes no filter."""

    csv: _Csv = None


class Installs(ListInstalls, frozen=True, kw_only=True):
    """A page that lists installs."""

    csv: _Csv = None


class Devices(ListDevices, frozen=True, kw_only=True):
    """The page of devices."""

    csv: _Csv = None


class Events(ListEvents, frozen=True, kw_only=True):
    """The page of messages."""

    csv: _Csv = None


class Calls(ListOutbox, frozen=True, kw_only=True):
    """The page of outside calls."""

    csv: _Csv = None


class Users(ListUsers, frozen=True, kw_only=True):
    """The page of users."""

    csv: _Csv = None


class Audit(ListAudit, frozen=True, kw_only=True):
    """The page of the audit log."""

    csv: _Csv = None


class Drift(ListDrift, frozen=True, kw_only=True):
    """The page of what disagrees."""

    csv: _Csv = None


class Search(Request, frozen=True, kw_only=True):
    """The search."""

    q: Annotated[_Text, "A part of a serial number, UDID or name."] = ""
    csv: _Csv = None
    cursor: Annotated[forms.Cursor | None, "`next_cursor` of the page before."] = None


class OfDevice(Request, frozen=True):
    """One device."""

    serial: Annotated[forms.Serial, "Its serial number, enrolment id or UDID."]


class OfApp(Request, frozen=True):
    """One app."""

    adam_id: Annotated[forms.AdamId, "Its number in the App Store."]


class OfName(Request, frozen=True):
    """One location."""

    name: Annotated[forms.Name, "Its name in the configuration."]


class OfId(Request, frozen=True):
    """One message or call."""

    id: Annotated[forms.Id, "The bridge's own id."]
