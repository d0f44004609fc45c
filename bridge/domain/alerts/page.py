"""The page about alerts, made from their declarations."""

from __future__ import annotations

from textwrap import wrap

from bridge.domain.alerts.kinds import ALERTS
from bridge.domain.wording import as_sentence

_HEAD = """\
# Alerts

The bridge tells people when something is wrong, and when that is over. Whom, the configuration
says:

```yaml
alerts:
  - {url: "${BRIDGE_CHAT_URL}", form: text}
  - {url_file: on-call.url, form: json, on: [token, silence]}
```

Without `on` a receiver is told all of these. What fires is what `vpp-bridge status`, the overview
and `/readyz` show; it is looked at every half a minute.
"""

_TAIL = """\
## When somebody is told

- Once when an alert fires and once when it is over, with an all-clear; while it lasts again every
  `policy.alerts.repeat_every` (a day).
- What comes and goes more than four times an hour is told once it has kept still for ten minutes.
- A receiver that is away is tried again after 5 s, 30 s, 2 min, and then every 10 min; after that
  it is told how each alert stands then. What fired and ended meanwhile is not told. It holds up
  nothing else, and there is at most one message for each alert in its line.
- A message of which nobody knows whether it arrived (no answer in time, the bridge was killed) is
  sent once more. So it may come twice, and it is not lost.
- `pause --all` holds no alert back: it stops what changes devices and licences, and whoever paused
  wants to know what happens meanwhile. Only a database that was restored from a backup tells nobody
  anything before it is resumed, since it may be a copy that is looked at beside the real one.

## What is sent

A POST with `Content-Type: application/json`; any answer of 2xx is good, and nothing of it is read.
Redirects are not followed. `form: json` is for programs:

```json
{"alert": "token", "state": "firing", "since": "2026-05-04T08:00:00Z",
 "subject": {"location": "hq"}, "bridge": "https://bridge.example.org",
 "sentence": "Location hq: the content token expires in 9 days, \u2026"}
```

`state` is `firing` or `resolved`, and `since` says since when it is so. `alert` and `subject`
together tell one alert from another. `bridge` is its `public_url`, or its id where it has none.

`form: text` is `{"text": "the sentence"}`. As it is, that is understood by incoming webhooks of
Slack, Mattermost, Rocket.Chat and Google Chat, by Discord with `/slack` at the end of its address,
and by Zulip's integration for Slack's incoming webhooks. Workflows of Microsoft Teams want an
Adaptive Card: let the workflow make one of `text`. Prometheus users take `/metrics` and the rules
in docs/ instead.

## The address is a secret

Whoever has it can write there. Take it from a variable (`url: ${BRIDGE_CHAT_URL}`) or a file
(`url_file`). It is never stored, and no log, page, answer or metric has more of it than its host;
receivers on one host are `chat.example.org`, `chat.example.org#2`, in the order of the file.
Where it may lie, in your own network for instance, is your choice.
"""


def as_markdown() -> str:
    """Every kind of alert for people: what fires it, what ends it, and what to do."""
    lines = [_HEAD]
    for alert in ALERTS.values():
        lines.append(f"## {alert.name}\n")
        for title, text in (
            ("Fires when", alert.fires),
            ("Ends when", alert.clears),
            ("What to do", alert.mend),
        ):
            told = text if title != "What to do" else as_sentence(text)
            lines += wrap(f"- **{title}:** {told.rstrip('.')}.", 100, subsequent_indent="  ")
        lines.append("")
    return "\n".join([*lines, _TAIL])
