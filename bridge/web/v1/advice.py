"""What answers advise, in the API's own words where the command line has others."""

from __future__ import annotations

import json

from bridge.domain.pauses import Pause

OFFLINE = '"offline": true'
ALLOW_REMOVALS = '"allow_removals": {}'


def resuming(pause: Pause) -> str:
    """How to end a pause."""
    body = {pause.scope: pause.name or True}
    return f"POST /v1/resume with {json.dumps(body)}"
