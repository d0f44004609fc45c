"""Doors that read alone: property lists, content tokens, the configuration, lists of enrolments."""

from __future__ import annotations

import base64
import json
import plistlib
import random
from pathlib import Path
from typing import Any
from unittest import mock

from bridge.config import load_config
from bridge.domain.dsn import Dsn, parse_dsn
from bridge.errors import CallError, ConfigError, MessageError, PlistError, ShapeError
from bridge.store import nanomdm
from bridge.store.nanomdm import NanoMdmDatabase
from bridge.wire import plist, plist_json
from bridge.wire.content_token import parse_content_token
from bridge.wire.devices_file import parse_devices_file
from bridge.wire.json_text import read_object, write_object
from tests.soak.fuzz.mutate import Mutator

SAMPLES = Path(__file__).parents[2] / "samples"
EXAMPLE = Path(__file__).parents[3] / "config.example.yaml"


class Plists:
    """What devices answer, as XML and binary property lists; what is read is kept, and read."""

    name = "property lists"

    def __init__(self) -> None:
        files = sorted((SAMPLES / "device").glob("*.plist"))
        self._good = [plistlib.loads(path.read_bytes()) for path in files]

    def prepare(self) -> None: ...

    def close(self) -> None: ...

    def give(self, chance: random.Random) -> str:
        data = Mutator(chance).plist(chance.choice(self._good))
        try:
            value = plist.loads_dict(data)
        except MessageError:
            return "refused"
        kept = write_object({"kept": plist_json.to_json(value)})
        plist_json.from_json(read_object(kept)["kept"])
        try:
            plist.loads(plist.dumps(value))
        except PlistError:
            return "read, and no XML can carry it"
        return "read"


class Tokens:
    """The content of a token file."""

    name = "content tokens"

    def __init__(self) -> None:
        self._file = (SAMPLES / "content-token.vpptoken").read_bytes()
        self._good = json.loads(base64.b64decode(self._file))

    def prepare(self) -> None: ...

    def close(self) -> None: ...

    def give(self, chance: random.Random) -> str:
        mutator = Mutator(chance)
        in_it = chance.random() < 0.6
        data = base64.b64encode(mutator.json(self._good)) if in_it else mutator.data(self._file)
        try:
            parse_content_token(data)
        except ShapeError:
            return "refused"
        return "read"


class Configurations:
    """The configuration, with the lists that it names."""

    name = "the configuration"

    def __init__(self, folder: Path) -> None:
        self._path = folder / "config.yaml"
        self._lists = {
            "sales.txt": b"C02XL0GYJGH5\n# a comment\nC02YK1GZJGH6 # another\n",
            "users.csv": b"client_user_id,email,serials\nclient-1,a@example.org,C02XL0GYJGH5 C1\n",
            "rows.csv": b"serial,udid\nC02XL0GYJGH5,1C7B9F52-0A64-4E0B-9B0D-6B1E8F3A7D10\n",
        }
        self._example = EXAMPLE.read_bytes().replace(b"\n#", b"\n")
        (folder / "hq.vpptoken").write_bytes((SAMPLES / "content-token.vpptoken").read_bytes())

    def prepare(self) -> None: ...

    def close(self) -> None: ...

    def give(self, chance: random.Random) -> str:
        mutator = Mutator(chance)
        for name, good in self._lists.items():
            odd = chance.random() < 0.2
            (self._path.parent / name).write_bytes(mutator.data(good) if odd else good)
        self._path.write_bytes(self._file(chance, mutator))
        try:
            load_config(self._path, {"KEY": "a-key-of-the-environment"})
        except ConfigError as error:
            if not error.mistakes or any("\n" in line for line in error.mistakes):
                raise
            return "refused"
        return "read"

    def _file(self, chance: random.Random, mutator: Mutator) -> bytes:
        if chance.random() < 0.02:
            return mutator.data(self._example)
        if chance.random() < 0.3:
            return mutator.data(json.dumps(CONFIG, indent=1).encode())
        return mutator.json(CONFIG)


CONFIG: dict[str, Any] = {
    "database": "bridge.db",
    "listen": "127.0.0.1:9008",
    "public_url": "https://bridge.example.org",
    "api": {"key": "${KEY}", "keys": [{"name": "ops", "key": "an-ops-key", "role": "operate"}]},
    "servers": {
        "main": {
            "kind": "micromdm",
            "url": "https://mdm.example.org",
            "api_key": "1",
            "webhook_key": ["2"],
        },
        "nano": {
            "kind": "nanomdm",
            "url": "https://nano.example.org",
            "api_key": "1",
            "webhook_hmac_key": "22",
            "devices_file": "rows.csv",
            "forward_to": ["https://user:pw@listener.example.org/webhook"],
        },
    },
    "locations": {"hq": {"content_token_file": "hq.vpptoken", "email": "it@example.org"}},
    "groups": {
        "kiosks": {"serials": ["C02XL0GYJGH5"], "time_zone": "Europe/Berlin"},
        "sales": {"serials_file": "sales.txt"},
        "new": {"match": {"product_name": "iPad*", "os_version": ">=17.2, <19"}},
        "all": {"all": True},
        "staff": {"users": ["client-1"]},
    },
    "users_file": "users.csv",
    "apps": [
        {
            "adam_id": "361309726",
            "groups": ["all"],
            "exclude": ["kiosks"],
            "update": {"to": "latest", "window": "22:00-05:00", "days": ["mon"], "stop_at": "5%"},
            "configuration": {"server": "x", "list": [1, True]},
            "attributes": {"Removable": True},
            "platforms": ["iOS"],
        }
    ],
    "alerts": [{"url": "https://hook.example.org/x", "form": "text", "on": ["token"]}],
    "policy": {"event_status": {"first_after": "30s"}, "limits": {"mdm_body": "8 MiB"}},
}


class Enrolments:
    """Who is enrolled, as a file, and as NanoMDM's database tells it."""

    name = "lists of enrolments"

    _FILE = b"serial,udid\nC02XL0GYJGH5,1C7B9F52-0A64-4E0B-9B0D-6B1E8F3A7D10\n# none\nC1,U-1\n"
    _ROW = ("1C7B9F52-0A64-4E0B-9B0D-6B1E8F3A7D10", "C02XL0GYJGH5", "Device", True, None)
    _DSNS = (
        "nanomdm:secret@tcp(127.0.0.1:3306)/nanomdm?tls=true",
        "postgres://reader:secret@127.0.0.1/nanomdm?sslmode=require",
        "host=db dbname=nanomdm user=reader",
    )

    def prepare(self) -> None: ...

    def close(self) -> None: ...

    def give(self, chance: random.Random) -> str:
        mutator = Mutator(chance)
        try:
            match chance.randrange(3):
                case 0:
                    parse_devices_file(mutator.data(self._FILE * chance.choice((1, 1, 30))))
                case 1:
                    text = mutator.data(chance.choice(self._DSNS).encode()).decode("latin-1")
                    parse_dsn(text)
                case _:
                    self._rows(mutator)
        except (CallError, ConfigError, ShapeError):
            return "refused"
        return "read"

    def _rows(self, mutator: Mutator) -> None:
        rows = mutator.value([list(self._ROW)] * 3)
        database = NanoMdmDatabase("main", Dsn("postgresql", ""))
        with mock.patch.object(nanomdm, "_from_postgresql", return_value=rows):
            database.enrolments()
