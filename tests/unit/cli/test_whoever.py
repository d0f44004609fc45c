"""Who is at the command line, as the audit log has it."""

import os

import pytest

from bridge.cli.root import whoever


def be(patch: pytest.MonkeyPatch, uid: int, **environ: str) -> None:
    patch.setattr(os, "getuid", lambda: uid)
    for name in ("USER", "LOGNAME", "SUDO_USER"):
        patch.delenv(name, raising=False)
    for name, value in environ.items():
        patch.setenv(name, value)


def test_the_system_says_who_it_is_and_not_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    be(monkeypatch, 0, USER="mallory", LOGNAME="mallory")
    me = whoever()
    assert (me.kind, me.name, me.sudo_user, me.shown) == ("user", "root", None, "cli:root")


def test_who_became_root_by_sudo_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    be(monkeypatch, 0, SUDO_USER="alice")
    assert (whoever().sudo_user, whoever().shown) == ("alice", "cli:root(alice)")


def test_who_is_not_root_says_nothing_of_sudo(monkeypatch: pytest.MonkeyPatch) -> None:
    be(monkeypatch, 4_000_123, SUDO_USER="alice")
    assert (whoever().name, whoever().sudo_user) == ("4000123", None)


@pytest.mark.parametrize("told", ["a" * 5000, "a\nb", "\udcff", ""])
def test_whatever_stands_there_can_be_stored(monkeypatch: pytest.MonkeyPatch, told: str) -> None:
    be(monkeypatch, 0, SUDO_USER=told)
    shown = whoever().sudo_user or ""
    assert len(shown) <= 64
    assert shown.isprintable()
    shown.encode()
