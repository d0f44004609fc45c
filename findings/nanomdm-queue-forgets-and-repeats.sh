#!/bin/sh
# github.com/micromdm/nanomdm v0.9.0, its default storage (filekv), Go 1.24 or newer
#
# What happens to a device's queue when an answer arrives twice, and when a NotNow is followed by the
# answers of all that was queued. Both are ordinary: a device whose connection breaks before the reply
# came sends the answer anew, and one that is locked puts a command off.
#
# 1. Three commands are queued. The device is given A, answers it, and sends the same answer again. It
#    should be given B either time. After the second one the queue is empty: neither B nor C is offered
#    at any later Idle, no request failed, and queueing B again is refused as already there.
# 2. D and E are queued. The device says NotNow to D, acknowledges E, is given D again, acknowledges it.
#    There should be nothing more. It is given E again, which it has acknowledged, now and at each Idle.
#
# Seen on 2026-11-28:
#   answered twice: given A, B, nothing; at three later Idles nothing, nothing, nothing
#   B queued again: 500, command already exists: B
#   put off: given D, E, D, E; at the next Idle E
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

udid = "11111111-AAAA"
enrol(udid)
for name in ("A", "B", "C"):
    assert queue(udid, name) == (200, ""), name
twice = [answer(udid, "Idle"), answer(udid, "Acknowledged", "A"), answer(udid, "Acknowledged", "A")]
later = [answer(udid, "Idle") for _ in range(3)]
print("answered twice: given %s; at three later Idles %s" % (", ".join(twice), ", ".join(later)))
again = queue(udid, "B")
print("B queued again: %d, %s" % again)

enrol(udid)
for name in ("D", "E"):
    assert queue(udid, name) == (200, ""), name
given = [answer(udid, "Idle"), answer(udid, "NotNow", "D"), answer(udid, "Acknowledged", "E"),
         answer(udid, "Acknowledged", "D")]
idle = answer(udid, "Idle")
print("put off: given %s; at the next Idle %s" % (", ".join(given), idle))
sys.exit(
    twice != ["A", "B", "nothing"] or later != ["nothing"] * 3
    or again[0] != 500 or "already exists" not in again[1]
    or given != ["D", "E", "D", "E"] or idle != "E"
)
PYTHON
