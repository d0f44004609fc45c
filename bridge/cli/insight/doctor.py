"""`doctor`: test everything, and say what to mend."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from bridge.app import Bridge
from bridge.cli import show
from bridge.cli.params import json_option
from bridge.cli.root import BAD_NEWS, Settings
from bridge.config import Config
from bridge.engine.client_pool import ClientPool, Transports
from bridge.engine.insight.doctor import Case, Finding, examine
from bridge.engine.insight.doctor.hooks import over_http
from bridge.errors import StoreError
from bridge.logs import redact

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command()
@click.option(
    "--webhook-url",
    "show_url",
    is_flag=True,
    help="Only print what the MDM server's webhook URL is to be, with the key in it.",
)
@json_option
@click.pass_obj
def doctor(settings: Settings, show_url: bool, as_json: bool) -> int:
    """Test configuration, database, tokens, Apple, MDM servers and both hooks.

    Each line says ok, warn or fail, and what to mend. Nothing is changed anywhere; the running
    bridge gets one harmless message through each MDM server's hook. Exit code 1 when anything
    fails, also for mistakes in groups and apps, which stop nothing but `plan` and `apply`.
    """
    if show_url:
        return _show_urls(settings.config(), as_json)
    found = []
    for finding in _examined(settings):
        found.append(finding)
        if not as_json:
            show_finding(finding)
    levels = Counter(finding.level for finding in found)
    if as_json:
        show.as_json({"ok": not levels["fail"], "findings": [_as_json(f) for f in found]})
    else:
        show.line()
        show.line(f"{levels['ok']} ok, {levels['warn']} warn, {levels['fail']} fail")
    return BAD_NEWS if levels["fail"] else 0


def findings(settings: Settings) -> list[dict[str, Any]]:
    """All that it finds, ready for JSON."""
    return [_as_json(finding) for finding in _examined(settings)]


def _examined(settings: Settings) -> Iterator[Finding]:
    config = settings.config()
    bridge = Bridge(config, settings.clock)
    trouble: StoreError | None = None
    restart: list[str] = []
    try:
        if not isinstance(config.database, Path) or config.database.parent.is_dir():
            settings.stored()
        restart = bridge.open().restart_needed(config)
    except StoreError as error:
        trouble = error
    try:
        yield from examine(_case(settings, bridge, trouble, restart))
    finally:
        bridge.close()


def _show_urls(config: Config, as_json: bool) -> int:
    """With the key, percent-encoded, since somebody asked for it; one line for each server."""
    config.require("servers")
    urls = {name: config.webhook_url(name, with_key=True) for name in config.servers}
    if as_json:
        show.as_json({"webhook_urls": urls})
        return 0
    for name, url in urls.items():
        click.echo(f"{name}: {url}" if len(urls) > 1 else url)
    return 0


def _case(
    settings: Settings, bridge: Bridge, trouble: StoreError | None, restart: Sequence[str]
) -> Case:
    outside = bridge.config.listen_outside
    return Case(
        config=bridge.config,
        database=bridge.database,
        trouble=trouble,
        lock=bridge.engine_lock,
        clients=ClientPool(bridge.config, bridge.clock, settings.transports or Transports()),
        ask=settings.ask or over_http(bridge.config.listen),
        ask_outside=over_http(outside) if outside is not None else None,
        now=bridge.now(),
        restart_needed=tuple(restart),
    )


def show_finding(finding: Finding, *, error: bool = False) -> None:
    """Print one line for a person."""
    level = click.style(f"{finding.level:4}", fg=_COLOURS[finding.level])
    mend = f"; {finding.mend}" if finding.mend else ""
    text = redact(f"{finding.part}: {finding.text.rstrip('.')}{mend}")
    show.hanging(level, text, error=error)


def _as_json(finding: Finding) -> dict[str, Any]:
    return {key: redact(value) for key, value in asdict(finding).items()}
