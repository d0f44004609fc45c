"""What a request may have done: told by real sockets on loopback, not by what libraries raise."""

from __future__ import annotations

import datetime
import errno
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bridge.errors import NotSent, OutcomeUnknown
from tests.loopback import (
    OK,
    SECRET,
    Handler,
    answering,
    bare_environment,
    client,
    close_unanswered,
    failure,
    free_port,
    listen_only,
    plain_http_instead_of_tls,
    read_request,
    reset_in_handshake,
    reset_unanswered,
    say_nothing,
    send,
    serving,
    trickle_headers,
)


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    bare_environment(monkeypatch)


UNANSWERED = [
    (close_unanswered, "the connection was closed"),
    (reset_unanswered, "the connection was closed"),
    (say_nothing, "timed out"),
    (trickle_headers, "timed out"),
    (answering(b"SSH-2.0-OpenSSH_9.6\r\n"), "the reply is not HTTP"),
    (answering(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"), "the reply broke off"),
    (
        answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"),
        "the reply broke off",
    ),
    (
        answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        "the reply broke off",
    ),
    (
        answering(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n{}"),
        "the reply cannot be decompressed",
    ),
]


@pytest.mark.parametrize(("handler", "why"), UNANSWERED)
@pytest.mark.parametrize(("method", "sent"), [("POST", 1), ("PUT", 1), ("GET", 3)])
def test_unanswered(handler: Handler, why: str, method: str, sent: int) -> None:
    with serving(handler) as server:
        error = failure(client(f"http://127.0.0.1:{server.port}"), method)
    assert type(error) is OutcomeUnknown
    assert why in str(error)
    assert server.connections == sent


def test_refused_connection_is_not_sent_and_tried_again() -> None:
    pauses: list[float] = []
    http = client(f"http://127.0.0.1:{free_port()}", sleep=pauses.append)
    error = failure(http)
    assert type(error) is NotSent
    assert "connection refused" in str(error)
    assert pauses == [0.25, 1.0]


def test_unknown_name_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error = failure(client("http://mdm.example.org"))
    assert type(error) is NotSent
    assert "name cannot be resolved" in str(error)


def test_other_failures_to_connect_are_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(self: socket.socket, address: object) -> None:
        raise OSError(errno.ENETUNREACH, "whatever")

    monkeypatch.setattr(socket.socket, "connect", unreachable)
    error = failure(client("http://127.0.0.1:9"))
    assert type(error) is NotSent
    assert "network is unreachable" in str(error)


def test_connect_timeout_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(self: socket.socket, address: object) -> None:
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket.socket, "connect", late)
    error = failure(client("http://127.0.0.1:9"))
    assert type(error) is NotSent
    assert "timed out" in str(error)


def test_a_request_that_leaves_at_the_second_try_is_sent_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refusals = [ConnectionRefusedError(111, "refused")]
    connect = socket.socket.connect

    def once_refused(self: socket.socket, address: tuple[str, int]) -> None:
        if refusals:
            raise refusals.pop()
        connect(self, address)

    with serving(answering(OK)) as server:
        http = client(f"http://127.0.0.1:{server.port}")
        monkeypatch.setattr(socket.socket, "connect", once_refused)
        assert send(http).status == 200
        monkeypatch.undo()
    assert server.connections == 1


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a self-signed certificate for 127.0.0.1, in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "identity.pem"
    path.write_bytes(
        certificate.public_bytes(Encoding.PEM)
        + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    return path


def over_tls(identity: Path, talk: Callable[[ssl.SSLSocket, socket.socket], None]) -> Handler:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity)

    def handler(connection: socket.socket) -> None:
        raw = connection.dup()
        with raw, context.wrap_socket(connection, server_side=True) as secured:
            talk(secured, raw)

    return handler


def answer_over_tls(secured: ssl.SSLSocket, raw: socket.socket) -> None:
    read_request(secured)
    secured.sendall(OK)


def garbage_instead_of_records(secured: ssl.SSLSocket, raw: socket.socket) -> None:
    read_request(secured)
    raw.sendall(b"\x17\x03\x03\x00\x20" + b"x" * 32)


def close_over_tls(secured: ssl.SSLSocket, raw: socket.socket) -> None:
    read_request(secured)


def test_certificate_not_trusted_is_not_sent(identity: Path) -> None:
    with serving(over_tls(identity, answer_over_tls)) as server:
        error = failure(client(f"https://127.0.0.1:{server.port}"))
    assert type(error) is NotSent
    assert "certificate is not trusted: self-signed certificate" in str(error)


@pytest.mark.parametrize("handler", [reset_in_handshake, plain_http_instead_of_tls])
def test_broken_handshake_is_not_sent(handler: Handler) -> None:
    with serving(handler) as server:
        error = failure(client(f"https://127.0.0.1:{server.port}"))
    assert type(error) is NotSent
    assert server.connections == 3


def test_tls_to_a_plain_port_is_named() -> None:
    with serving(plain_http_instead_of_tls) as server:
        error = failure(client(f"https://127.0.0.1:{server.port}"))
    assert "does not speak TLS: write http:// if it is meant to be plain HTTP" in str(error)


def test_handshake_that_times_out_is_not_sent() -> None:
    with serving(listen_only) as server:
        error = failure(client(f"https://127.0.0.1:{server.port}"))
    assert type(error) is NotSent
    assert "timed out" in str(error)


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_ca_bundle_of_the_environment(
    variable: str, identity: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, str(identity))
    with serving(over_tls(identity, answer_over_tls)) as server:
        reply = send(client(f"https://127.0.0.1:{server.port}"))
    assert (reply.status, reply.content) == (200, b"{}")


@pytest.mark.parametrize("talk", [garbage_instead_of_records, close_over_tls])
def test_tls_failing_after_the_request_is_unknown(
    talk: Callable[[ssl.SSLSocket, socket.socket], None],
    identity: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(identity))
    with serving(over_tls(identity, talk)) as server:
        error = failure(client(f"https://127.0.0.1:{server.port}"))
    assert type(error) is OutcomeUnknown
    assert server.connections == 1


def test_proxy_refused_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:proxy-password@127.0.0.1:{free_port()}")
    error = failure(client("https://mdm.example.org"))
    assert type(error) is NotSent
    assert "connection refused" in str(error)
    assert "proxy-password" not in str(error)


def test_proxy_that_refuses_the_tunnel_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(answering(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")) as server:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.port}")
        error = failure(client("https://mdm.example.org"))
    assert type(error) is NotSent
    assert "the proxy answered 407" in str(error)


def test_plain_http_lost_behind_a_proxy_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(close_unanswered) as server:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{server.port}")
        error = failure(client("http://mdm.example.org"))
    assert type(error) is OutcomeUnknown
    assert server.connections == 1


def test_proxies_are_read_once_and_no_proxy_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(answering(OK)) as server:
        http = client(f"http://127.0.0.1:{server.port}")
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
        assert send(http).status == 200
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        assert send(client(f"http://127.0.0.1:{server.port}")).status == 200


def test_a_netrc_is_never_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password theirs\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    seen: list[bytes] = []

    def remember(connection: socket.socket) -> None:
        seen.append(read_request(connection))
        connection.sendall(OK)

    with serving(remember) as server:
        http = client(f"http://127.0.0.1:{server.port}")
        http.request("GET", "/version")
        http.close()
    assert b"authorization" not in seen[0].lower()
    assert b"User-Agent: micromdm-vpp-bridge/" in seen[0]


def test_cookies_are_dropped() -> None:
    seen: list[bytes] = []

    def set_cookie(connection: socket.socket) -> None:
        seen.append(read_request(connection))
        connection.sendall(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nConnection: close\r\n\r\n")

    with serving(set_cookie) as server:
        http = client(f"http://127.0.0.1:{server.port}")
        for _ in range(2):
            http.request("GET", "/")
        http.close()
    assert [b"cookie" in request.lower() for request in seen] == [False, False]


def keep_alive(connection: socket.socket) -> None:
    while read_request(connection):
        connection.sendall(OK)


def test_every_thread_has_a_connection_of_its_own() -> None:
    with serving(keep_alive) as server:
        http = client(f"http://127.0.0.1:{server.port}", timeout=(1.0, 5.0))
        ready = threading.Barrier(3, timeout=5)

        def talk() -> None:
            for _ in range(2):
                http.request("POST", "/v1/x", content=b"{}")
            ready.wait()
            ready.wait()

        threads = [threading.Thread(target=talk) for _ in range(2)]
        for thread in threads:
            thread.start()
        ready.wait()
        http.close()
        ready.wait()
        for thread in threads:
            thread.join()
    assert server.connections == 2


def test_one_connection_serves_many_requests_of_a_thread() -> None:
    with serving(keep_alive) as server:
        http = client(f"http://127.0.0.1:{server.port}", timeout=(1.0, 5.0))
        for _ in range(5):
            http.request("POST", "/v1/x", content=b"{}")
        http.close()
    assert server.connections == 1


def test_a_kept_connection_that_was_closed_meanwhile_is_replaced_unseen() -> None:
    closed = threading.Event()

    def answer_and_close(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(OK)
        connection.close()
        closed.set()

    with serving(answer_and_close) as server:
        http = client(f"http://127.0.0.1:{server.port}")
        http.request("POST", "/v1/x", content=b"1")
        assert closed.wait(5)
        closed.clear()
        http.request("POST", "/v1/x", content=b"2")
        http.close()
    assert server.connections == 2


@pytest.mark.parametrize("status", [101, 102, 103, 199])
def test_an_interim_reply_never_shifts_replies(status: int) -> None:
    """The reply to A comes while B is on its way, as with a slow server behind a proxy."""
    sent: list[str] = []

    def hint_first(connection: socket.socket) -> None:
        while request := read_request(connection):
            body = request.partition(b"\r\n\r\n")[2]
            sent.append(body.decode())
            if body == b"A":
                connection.sendall(f"HTTP/1.1 {status} Hint\r\nLink: </x>\r\n\r\n".encode())
                connection.recv(1, socket.MSG_PEEK)  # B, of a client that took this for A's reply
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + body)

    with serving(hint_first) as server:
        http = client(f"http://127.0.0.1:{server.port}", timeout=(1.0, 5.0))
        with pytest.raises(OutcomeUnknown, match=f"{status} came instead of a reply"):
            http.request("POST", "/v1/x", content=b"A")
        assert http.request("POST", "/v1/x", content=b"B").content == b"B"
        assert http.request("POST", "/v1/x", content=b"C").content == b"C"
        http.close()
    assert sent == ["A", "B", "C"]
    assert server.connections == 2


def test_close_ends_the_connections_after_an_error_too() -> None:
    ended = threading.Event()

    def hint_or_answer(connection: socket.socket) -> None:
        while request := read_request(connection):
            is_a = request.endswith(b"A")
            connection.sendall(b"HTTP/1.1 103 Hint\r\n\r\n" if is_a else OK)
            if not is_a and connection.recv(1) == b"":
                ended.set()

    with serving(hint_or_answer) as server:
        http = client(f"http://127.0.0.1:{server.port}", timeout=(1.0, 5.0))
        with pytest.raises(OutcomeUnknown):
            http.request("POST", "/v1/x", content=b"A")
        http.request("POST", "/v1/x", content=b"B")
        http.close()
        assert ended.wait(2)


def test_a_100_is_skipped() -> None:
    with serving(answering(b"HTTP/1.1 100 Continue\r\n\r\n" + OK)) as server:
        assert send(client(f"http://127.0.0.1:{server.port}")).status == 200


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_replies_and_not_followed(status: int) -> None:
    reply = f"HTTP/1.1 {status} Moved\r\nLocation: /else\r\nContent-Length: 4\r\n\r\ngone"
    with serving(answering(reply.encode())) as server:
        answer = send(client(f"http://127.0.0.1:{server.port}"))
    assert (answer.status, answer.content) == (status, b"gone")
    assert server.connections == 1


def test_errors_keep_no_secret() -> None:
    with serving(close_unanswered) as server:
        lost = failure(client(f"http://127.0.0.1:{server.port}"))
    for error in (lost, failure(client(f"http://127.0.0.1:{free_port()}"))):
        assert error.call == "POST /v1/x"
        assert error.service == "mdm"
        assert SECRET not in repr(vars(error)) + str(error)
        assert error.__context__ is None and error.__cause__ is None
