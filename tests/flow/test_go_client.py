"""Go's net/http, with which MicroMDM posts, against the real `serve`: refusals arrive as such, and
cost neither the connection of another webhook nor the webhook."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge.domain.policy import LimitsPolicy
from tests.soak.served import Served, serving

SOURCE = Path(__file__).parent / "go_client" / "main.go"
LIMIT = LimitsPolicy().mdm_body
ROUNDS = 6
Post = Callable[..., list[tuple[str, str]]]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    go = shutil.which("go")
    if go is None:
        pytest.skip("needs Go to build a client with net/http")
    built = tmp_path_factory.mktemp("go") / "client"
    offline = {"GOPROXY": "off", "GOTOOLCHAIN": "local", "GOFLAGS": "", "CGO_ENABLED": "0"}
    subprocess.run(
        [go, "build", "-o", str(built), str(SOURCE)],
        env=os.environ | offline,
        check=True,
        timeout=240,
    )
    return built


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served")) as served:
        yield served


@pytest.fixture
def post(program: Path, served: Served) -> Post:
    def post(path: str, size: int, *options: str) -> list[tuple[str, str]]:
        url = f"http://mdm:webhook-key@127.0.0.1:{served.port}{path}"
        told = subprocess.run(
            [str(program), url, str(size), str(ROUNDS), *options],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        lines = told.stdout.splitlines()
        assert len(lines) == 2 * ROUNDS
        return list(zip(lines[::2], lines[1::2], strict=True))

    return post


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [
        ("/hooks/mdm/main#wrong", 5_000_000, "401"),
        ("/hooks/mdm/main#wrong", LIMIT, "401"),
        ("/hooks/mdm/main#wrong", 100, "401"),
        ("/hooks/mdm/unknown", 5_000_000, "404"),
        ("/hooks/mdm/main", LIMIT + 1, "413"),
        ("/hooks/mdm/main", LIMIT + 20_000_000, "413"),
        ("/hooks/mdm/main", 100, "400"),
    ],
)
def test_a_refusal_arrives_and_the_next_webhook_is_taken_in(
    post: Post, path: str, size: int, status: str
) -> None:
    found = post(path, size)
    assert {refused.split()[0] for refused, _ in found} == {status}
    assert {good.split()[0] for _, good in found} == {"200"}


def test_who_waits_to_be_told_hears_of_a_wrong_key(post: Post) -> None:
    found = post("/hooks/mdm/main#wrong", 5_000_000, "expect")
    assert {refused.split()[0] for refused, _ in found} == {"401"}
    assert {good.split()[0] for _, good in found} == {"200"}


@pytest.mark.parametrize("options", [(), ("expect",)])
@pytest.mark.parametrize("size", [100, 100_000, 3_000_000])
def test_webhooks_that_are_taken_in_share_one_connection(
    post: Post, size: int, options: tuple[str, ...]
) -> None:
    found = post("/hooks/mdm/main#event", size, *options)
    assert found == [("200 false" if not at else "200 true", "200 true") for at in range(ROUNDS)]
