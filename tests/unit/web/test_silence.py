"""For how long a request waits for a silent database, by what it asks for."""

import pytest

from bridge.store.patience import HOOKS, PEOPLE, patience
from bridge.web.silence import Patient


@pytest.mark.parametrize(
    ("path", "seconds"),
    [
        ("/hooks/mdm/main", HOOKS),
        ("/hooks/apple/hq", HOOKS),
        ("/readyz", HOOKS),
        ("/healthz", HOOKS),
        ("/", PEOPLE),
        ("/v1/status", PEOPLE),
        ("/metrics", PEOPLE),
    ],
)
def test_who_gives_up_soon_is_answered_soon(path: str, seconds: float) -> None:
    seen: list[float] = []
    app = Patient(lambda _environ, _start: [seen.append(patience()) or b""])
    app({"PATH_INFO": path}, lambda *_: lambda _: None)
    assert seen == [seconds]
    assert patience() > PEOPLE
