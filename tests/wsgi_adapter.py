"""Requests to a WSGI application in the same process, with replies that can be lost."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from http.client import RemoteDisconnected
from io import BytesIO
from typing import Any, Literal
from urllib.parse import unquote_to_bytes, urlsplit

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse
from urllib3.exceptions import ProtocolError
from werkzeug.test import run_wsgi_app

Fault = Literal["refused", "dropped", "timed out"]
ExceptionTypes = tuple[type[BaseException], ...]

_RESPONSES = HTTPAdapter()
"""Makes a response of a reply; it connects to nothing."""


class WsgiAdapter(BaseAdapter):
    """Mount it with `HttpClient(..., adapter=WsgiAdapter(app))`; thread-safe if the app is.

    An exception that leaves the app reaches the client as a lost reply if it is one of `dropped`
    (connection closed without an answer) or `timed_out` (no answer in time), else as itself. A
    Flask app lets its exceptions through only with PROPAGATE_EXCEPTIONS or TESTING.
    `calls` lists "METHOD /path" of everything that reached the app.
    """

    def __init__(
        self, app: Any, *, dropped: ExceptionTypes = (), timed_out: ExceptionTypes = ()
    ) -> None:
        super().__init__()
        self._app = app
        self._dropped = dropped
        self._timed_out = timed_out
        self._lock = threading.Lock()
        self._faults: list[tuple[Fault, str]] = []
        self.calls: list[str] = []

    def fail(self, fault: Fault, *, times: int = 1, call: str = "") -> None:
        """Let the next `times` requests fail whose "METHOD /path" contains `call`.

        A refused request does not reach the app; for the other two faults the app does its work
        and its reply is lost.
        """
        with self._lock:
            self._faults.extend([(fault, call)] * times)

    def heal(self) -> None:
        """Let no further request fail."""
        with self._lock:
            self._faults.clear()

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        call = f"{request.method} {urlsplit(str(request.url)).path}"
        fault = self._fault_for(call)
        if fault == "refused":
            raise requests.ConnectTimeout(ConnectionRefusedError(), request=request)
        self.calls.append(call)
        try:
            reply = self._run(request)
        except self._timed_out:
            raise _timed_out(request) from None
        except self._dropped:
            raise _closed(request) from None
        if fault == "timed out":
            raise _timed_out(request)
        if fault == "dropped":
            raise _closed(request)
        return _RESPONSES.build_response(request, reply)

    def close(self) -> None:
        """Nothing to close."""

    def _fault_for(self, call: str) -> Fault | None:
        with self._lock:
            for position, (fault, desired) in enumerate(self._faults):
                if desired in call:
                    del self._faults[position]
                    return fault
        return None

    def _run(self, request: requests.PreparedRequest) -> HTTPResponse:
        body, status, headers = run_wsgi_app(self._app, _environ(request), buffered=True)
        return HTTPResponse(
            body=BytesIO(b"".join(body)),
            headers=HTTPHeaderDict(headers.items()),
            status=int(status.split()[0]),
            preload_content=False,
            request_method=request.method,
        )


def _environ(request: requests.PreparedRequest) -> dict[str, Any]:
    """What a WSGI server hands on of a request. Source: PEP 3333, "environ Variables"."""
    url = urlsplit(str(request.url))
    body = request.body or b""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method or "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(url.path or "/").decode("latin-1"),
        "QUERY_STRING": url.query,
        "REQUEST_URI": request.path_url,  # not of the PEP: as it came
        "SERVER_NAME": url.hostname,
        "SERVER_PORT": str(url.port or {"http": 80, "https": 443}[url.scheme]),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": url.netloc,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": url.scheme,
        "wsgi.input": BytesIO(body if isinstance(body, bytes) else body.encode()),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
    return environ


def _timed_out(request: requests.PreparedRequest) -> requests.RequestException:
    return requests.ReadTimeout(TimeoutError(), request=request)


def _closed(request: requests.PreparedRequest) -> requests.RequestException:
    closed = ProtocolError("Connection aborted.", RemoteDisconnected("closed by the test"))
    return requests.ConnectionError(closed, request=request)
