"""The stylesheet, the script and the icon: read once, and not sent again to who has them."""

from __future__ import annotations

from importlib.resources import files

from flask import Response, request
from werkzeug.exceptions import NotFound

_TYPES = {"style.css": "text/css", "live.js": "text/javascript", "icon.png": "image/png"}


class Files:
    """All that stands in `static`, by name."""

    def __init__(self) -> None:
        folder = files(__package__) / "static"
        self._bytes = {name: (folder / name).read_bytes() for name in _TYPES}

    def answer(self, name: str) -> Response:
        """One file; raises NotFound."""
        if name not in self._bytes:
            raise NotFound("There is no such file.")
        response = Response(self._bytes[name], mimetype=_TYPES[name])
        response.add_etag()
        response.make_conditional(request)
        return response
