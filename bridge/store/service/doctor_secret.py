"""The secret by which a running `doctor` shows that a request is its own."""

from __future__ import annotations

import hmac
import json
import secrets

from bridge.store import meta
from bridge.store.database import Connection

_KEY = "doctor_probe"
_VALID = 300.0  # seconds


def draw(db: Connection, now: float) -> str:
    """A new secret, which counts for some minutes, and alone."""
    drawn = secrets.token_urlsafe(24)
    meta.keep(db, _KEY, json.dumps({"secret": drawn, "until": now + _VALID}))
    return drawn


def matches(db: Connection, offered: str, now: float) -> bool:
    """Whether `offered` is the secret that counts now; in constant time."""
    kept = json.loads(meta.recall(db, _KEY) or "null")
    if kept is None or now > kept["until"]:
        return False
    return hmac.compare_digest(offered.encode("utf-8", "surrogateescape"), kept["secret"].encode())


def forget(db: Connection) -> None:
    """No secret counts any more."""
    meta.forget(db, _KEY)
