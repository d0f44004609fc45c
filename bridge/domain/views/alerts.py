"""What is known of alerts, and who was told of them."""

from typing import Annotated, TypedDict

from bridge.domain.views.members import Time
from bridge.domain.vocabulary import AlertState


class Told(TypedDict):
    """What one receiver has been told of an alert."""

    receiver: Annotated[str, "Its host; of several with the same one host#2, as in the file."]
    told: Annotated[AlertState | None, "What it was told last; null for nothing yet."]
    told_at: Annotated[Time | None, "When it was told that."]
    tried_at: Annotated[Time | None, "When it was last tried."]
    answer: Annotated[str | None, "What came of that."]


class Alert(TypedDict):
    """Something that is wrong, or was lately."""

    alert: Annotated[str, "Its kind, as `on` in the configuration names it: docs/alerts.md."]
    subject: Annotated[dict[str, str], "What it is about: a location, a server, an app."]
    state: AlertState
    since: Annotated[Time, "Since when it is so."]
    sentence: Annotated[str, "What is so, and what to do, as receivers are told."]
    receivers: Annotated[list[Told], "Who is told, by host."]
