#!/bin/sh
# requests 2.34.2 with urllib3 2.8.0, Python 3.11 (http.client is the same up to 3.14)
#
# A server that sends 103 (Early Hints) ahead of a reply, over a kept-alive connection. That http.client
# takes a 103 for the whole reply is known. What comes of the reply itself depends on when it arrives:
#
#   in the same segment as the 103   it is thrown away with http.client's buffer, and the next request
#                                    gets its own reply: a test with a quick server shows nothing
#   after the next request is sent   it is read as the answer to the next request, and so on for as
#                                    long as the connection lives: nobody gets an error
#
# A POST whose 201 was for another POST counts as done. Treat a status below 200 as no answer, and close
# the connection.
#
# Seen on 2026-11-28:
#   at once: [(103, ''), (200, '/b'), (200, '/c')]
#   later:   [(103, ''), (200, '/a'), (200, '/b')]
#
# Exits 0 while this is so, 1 when it is not.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet requests==2.34.2 urllib3==2.8.0
"$work/venv/bin/python" - <<'PYTHON'
import socket
import sys
import threading

import requests

HINT = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"


def reply(path):
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(path), path)


def serve(connection, late):
    """Answer each GET with its own path; /a gets a hint first, and its reply late or at once."""
    data = b""
    while True:
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                return
            data += more
        head, _, data = data.partition(b"\r\n\r\n")
        path = head.split()[1]
        if path != b"/a":
            connection.sendall(reply(path))
        elif not late:
            connection.sendall(HINT + reply(path))
        else:
            connection.sendall(HINT)
            connection.recv(1, socket.MSG_PEEK)  # until the next request is here
            connection.sendall(reply(path))


def ask(late):
    listener = socket.create_server(("127.0.0.1", 0))

    def accept():
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection, late), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    session = requests.Session()
    session.trust_env = False
    base = "http://127.0.0.1:%d" % listener.getsockname()[1]
    answers = [session.get(base + path, timeout=10) for path in ("/a", "/b", "/c")]
    return [(answer.status_code, answer.text) for answer in answers]


at_once, later = ask(late=False), ask(late=True)
print("at once:", at_once)
print("later:  ", later)
sys.exit(
    at_once != [(103, ""), (200, "/b"), (200, "/c")]
    or later != [(103, ""), (200, "/a"), (200, "/b")]
)
PYTHON
