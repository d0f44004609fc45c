"""A first configuration: the files that `init` writes, as text."""

from __future__ import annotations

import json
import os
import secrets
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bridge.config.model import APPLE_URL, KIND

SERVER, LOCATION = "main", "hq"
"""What the first server and the first location are called."""

ENV = "bridge.env"
API_KEY, WEBHOOK_KEY = "BRIDGE_API_KEY", "BRIDGE_WEBHOOK_KEY"

_HEAD = """\
# Written by vpp-bridge init. The keys are in bridge.env beside it:
#   set -a; . ./bridge.env; set +a
# Every key with its default: config.example.yaml in the project.
database: bridge.db
listen: {listen}
{public}api:
  key: ${{{api}}}
"""
_SERVER = """\
servers:
  {name}:
    kind: {kind}
    url: {url}
    api_key: ${{{key}}}
    webhook_key: ${{{webhook}}}     # the password in the server's webhook URL
"""
_LOCATION = """\
locations:
  {name}:
    content_token_file: {token}
"""
_DESIRED = """\
groups:
  everyone: {{all: true}}             # every enrolled device
  #some: {{serials: [C02XL0GYJGH5]}}  # these alone
apps:{apps}
"""
_NO_APPS = """
  # An app's adam id is the number in its App Store link: apps.apple.com/app/id361309726
  #- {adam_id: "361309726", name: Pages, groups: [everyone]}"""


@dataclass(frozen=True, slots=True)
class OwnedApp:
    """An app that the location owns; `seats` in words, such as `10 of 10 free`."""

    adam_id: str
    name: str | None
    seats: str


@dataclass(frozen=True, slots=True)
class Draft:
    """What a first configuration says; what is None is left out. The keys are drawn here."""

    url: str | None = None
    server_key: str = field(default="", repr=False)
    kind: str = KIND
    token: Path | None = None
    public_url: str | None = None
    listen: str = "127.0.0.1:9008"
    apple_url: str = APPLE_URL
    api_key: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    webhook_key: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)

    @property
    def key_variable(self) -> str:
        """The variable of the server's key, as its own documentation has it."""
        return f"{self.kind.upper()}_API_KEY"

    def variables(self) -> dict[str, str]:
        """The keys, by the variables that the file names."""
        return {
            API_KEY: self.api_key,
            WEBHOOK_KEY: self.webhook_key,
            self.key_variable: self.server_key,
        }

    def as_yaml(self, apps: Sequence[OwnedApp] = ()) -> str:
        """The configuration; apps that the location owns stand in it as comments, to be chosen."""
        public = f"public_url: {_text(self.public_url)}\n" if self.public_url else ""
        text = _HEAD.format(listen=_text(self.listen), public=public, api=API_KEY)
        if self.url is not None:
            text += _SERVER.format(
                name=SERVER,
                kind=self.kind,
                url=_text(self.url),
                key=self.key_variable,
                webhook=WEBHOOK_KEY,
            )
        if self.token is not None:
            text += _LOCATION.format(name=LOCATION, token=_text(str(self.token)))
        if self.apple_url != APPLE_URL:
            text += f"apple:\n  url: {_text(self.apple_url)}\n"
        return text + _DESIRED.format(apps=_apps(apps))

    def as_env(self) -> str:
        """The keys, for a shell and for systemd's EnvironmentFile."""
        return "".join(f"{key}={shlex.quote(value)}\n" for key, value in self.variables().items())


def _apps(apps: Sequence[OwnedApp]) -> str:
    if not apps:
        return _NO_APPS
    lines = ["", f"  # What {LOCATION} owns: take the # away from those that are wanted."]
    for each in apps:
        name = f" name: {_text(each.name)}," if each.name else ""
        lines.append(
            f'  #- {{adam_id: "{each.adam_id}",{name} groups: [everyone]}}  # {each.seats}'
        )
    return "\n".join(lines)


def _text(value: str) -> str:
    """A YAML scalar, in quotes as JSON has them: it is text, whatever it looks like."""
    return json.dumps(value, ensure_ascii=False)


def write(files: Mapping[Path, str], *, replace: bool) -> None:
    """Write new files that only their owner can read; raises OSError (FileExistsError where one is
    there and is not to be replaced, and then none is written)."""
    if not replace:
        for path in files:
            if path.exists():
                raise FileExistsError(17, os.strerror(17), str(path))
    for path, text in files.items():
        part = path.with_name(f"{path.name}.part")
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(handle, "w", encoding="utf-8") as file:
            os.fchmod(handle, 0o600)
            file.write(text)
        part.replace(path)
