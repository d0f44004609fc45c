"""The configuration: a YAML file and the environment, read once into a frozen `Config`.

`load_config` is the only way in; it either returns a whole `Config` or raises `ConfigError`
with one line for every mistake, so that a person mends the file in one go. What a command does not
need may have mistakes, and is then left alone. `document` reads groups
and apps that come over the API in the same way.
"""

from bridge.config.load import load_config
from bridge.config.model import (
    ApiConfig,
    Config,
    LocationConfig,
    Part,
    ServerConfig,
    in_userinfo,
)
from bridge.config.needs import EVERYTHING, SETTINGS, WANTED, Need

__all__ = [
    "EVERYTHING",
    "SETTINGS",
    "WANTED",
    "ApiConfig",
    "Config",
    "LocationConfig",
    "Need",
    "Part",
    "ServerConfig",
    "in_userinfo",
    "load_config",
]
