"""Why an MDM server could not push, told from what it says of it.

Both servers pass on what Go's net, crypto/tls and crypto/x509 say, and Apple's reason: MicroMDM in
the words of RobotsAndPencils/buford 0.14.0 (push/errors.go), NanoMDM as Apple writes it ("Handling
notification responses from APNs"). Whose fault it is differs: a certificate is renewed, a firewall
opened, and a device enrols again.
"""

from __future__ import annotations

_CERTIFICATE = (
    "certificate has expired",
    "tls: expired certificate",
    "tls: certificate expired",
    "tls: bad certificate",
    "tls: revoked certificate",
    "tls: internal error",
    "expired or invalid APNs certificate",
    "BadCertificate",
    "the certificate was bad",
    "wrong environment",
    "error with the certificate",
    "Forbidden",
    "TopicDisallowed",
    "topic is not allowed",
    "not allowed for the topic",
    "MissingTopic",
    "BadTopic",
    "Topic header",
    "DeviceTokenNotForTopic",
    "device token does not match",
)
_INSPECTED = ("signed by unknown authority", "certificate is valid for", "certificate is not valid")
_NETWORK = (
    "no such host",
    "server misbehaving",
    "i/o timeout",
    "connection refused",
    "connection reset",
    "network is unreachable",
    "no route to host",
    "TLS handshake timeout",
    "deadline exceeded",
    "Client.Timeout",
    "proxyconnect",
    "dial tcp",
    "EOF",
)
_DEVICE = (
    "BadDeviceToken",
    "bad device token",
    "Unregistered",
    "device token is inactive",
)
_APPLE = (
    "InternalServerError",
    "internal server error",
    "ServiceUnavailable",
    "service is unavailable",
    "Shutdown",
    "shutting down",
    "TooManyRequests",
    "too many requests",
)

_KINDS = (
    (_DEVICE, "Apple does not know the device's push token, so the device must enrol again"),
    (
        _INSPECTED,
        "its way to Apple's push service is inspected, and the certificate there is not Apple's: "
        "exempt api.push.apple.com from TLS inspection",
    ),
    (
        _CERTIFICATE,
        "Apple does not accept its push certificate, which has expired, was revoked or is another "
        "than its devices enrolled with: renew it at identity.apple.com, with the Apple account "
        "that made it, and upload it to the MDM server",
    ),
    (
        _NETWORK,
        "it cannot reach Apple's push service: let the MDM server's machine out to "
        "api.push.apple.com, TCP port 443",
    ),
    (_APPLE, "Apple's push service has trouble of its own, which passes by itself"),
)


def why_no_push(said: str) -> str:
    """Why, and what to do, by the text of an error that the server gave; never in its words."""
    for known, words in _KINDS:
        if any(each in said for each in known):
            return words
    return "Apple's push service could not be used; see its log"
