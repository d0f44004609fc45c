"""The configuration: a YAML file and the environment, read once into a frozen `Config`.

`load_config` is the only way in; it either returns a whole `Config` or raises `ConfigError`
with one line for every mistake, so that a person mends the file in one go. `read_document` reads
groups and apps that come over the API in the same way.
"""

from bridge.config.document import read_document
from bridge.config.load import load_config
from bridge.config.model import ApiConfig, Config, LocationConfig, Part, ServerConfig

__all__ = [
    "ApiConfig",
    "Config",
    "LocationConfig",
    "Part",
    "ServerConfig",
    "load_config",
    "read_document",
]
