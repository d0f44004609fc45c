#!/bin/sh
# github.com/micromdm/nanomdm v0.9.0, its default storage (filekv), Go 1.24 or newer
#
# What becomes of commands that are queued for one device at the same time, as a program with several
# threads does it, or several programs. Each request names another CommandUUID and is answered 200
# without an error. The device then connects and answers until it is given nothing more.
#
# It should be given each command once. Most of them it is never given, though every request was answered
# 200. Queued one after the other none is lost.
#
# Seen on 2026-11-28:
#   of 320 queued at once 273 never came, and 0 were refused; of as many one after the other, 0 and 0
#   (220 to 273 in four runs on two cores)
#
# Exits 0 while this is so, 1 when it is not.
set -eu
work=$(mktemp -d)
trap 'kill "$(cat "$work/pid" 2>/dev/null)" 2>/dev/null || true; rm -rf "$work"' EXIT
GOBIN="$work/bin" go install github.com/micromdm/nanomdm/cmd/nanomdm@v0.9.0
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=device \
    -addext extendedKeyUsage=clientAuth -keyout "$work/key.pem" -out "$work/device.pem" 2>/dev/null
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$work/bin/nanomdm" -listen "127.0.0.1:$port" -api secret -ca "$work/device.pem" \
    -cert-header X-Client-Cert -storage filekv -storage-dsn "$work/store" >"$work/log" 2>&1 &
echo $! >"$work/pid"
python3 - "$port" "$work/device.pem" <<'PYTHON'
import base64
import http.client
import json
import plistlib
import sys
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

PORT = int(sys.argv[1])
with open(sys.argv[2]) as file:
    CERTIFICATE = urllib.parse.quote(file.read())


def ask(method, path, body, headers):
    server = http.client.HTTPConnection("127.0.0.1", PORT, timeout=10)
    server.request(method, path, body, headers)
    reply = server.getresponse()
    return reply.status, reply.read()


def device_says(message):
    """Returns the CommandUUID of the command that the device is given, or "nothing"."""
    kind = "mdm-checkin" if "MessageType" in message else "mdm"
    headers = {"X-Client-Cert": CERTIFICATE, "Content-Type": "application/x-apple-aspen-" + kind}
    status, body = ask("PUT", "/mdm", plistlib.dumps(message), headers)
    assert status == 200, (status, body)
    return plistlib.loads(body)["CommandUUID"] if body else "nothing"


def answer(udid, status, command_uuid=None):
    message = {"UDID": udid, "Status": status}
    return device_says(message | ({"CommandUUID": command_uuid} if command_uuid else {}))


def enrol(udid):
    device_says({"MessageType": "Authenticate", "UDID": udid, "Topic": "com.example.mdm"})
    device_says({"MessageType": "TokenUpdate", "UDID": udid, "Topic": "com.example.mdm",
                 "PushMagic": "magic", "Token": b"token"})


def queue(udid, command_uuid):
    command = {"CommandUUID": command_uuid, "Command": {"RequestType": "ProfileList"}}
    key = base64.b64encode(b"nanomdm:secret").decode()
    status, body = ask("PUT", "/v1/enqueue/%s?nopush=1" % udid, plistlib.dumps(command),
                       {"Authorization": "Basic " + key})
    return status, json.loads(body).get("command_error", "")


for _ in range(100):
    try:
        ask("GET", "/version", None, {})
        break
    except OSError:
        time.sleep(0.1)

def taken(udid):
    """All that the device is given until there is nothing more."""
    given, command_uuid = [], answer(udid, "Idle")
    while command_uuid != "nothing":
        given.append(command_uuid)
        command_uuid = answer(udid, "Acknowledged", command_uuid)
    return given


UDID, ROUNDS, MANY = "11111111-AAAA", 20, 16
enrol(UDID)


def lost(at_once):
    missing = refused = 0
    for number in range(ROUNDS):
        names = ["%s-%d-%d" % (at_once, number, each) for each in range(MANY)]
        with ThreadPoolExecutor(MANY if at_once else 1) as threads:
            replies = list(threads.map(lambda name: queue(UDID, name), names))
        refused += sum(each != (200, "") for each in replies)
        given = taken(UDID)
        assert len(given) == len(set(given)), given
        missing += len(set(names) - set(given))
    return missing, refused


together, one_by_one = lost(True), lost(False)
print("of %d queued at once %d never came, and %d were refused; of as many one after the other, %d and %d"
      % (ROUNDS * MANY, *together, *one_by_one))
sys.exit(not together[0] or together[1] or any(one_by_one))
PYTHON
