"""Why a push failed: a certificate is told from a network, a device, and Apple's own trouble."""

from __future__ import annotations

import pytest

from bridge.clients.mdm.pushing import why_no_push

CERTIFICATE, NETWORK = "renew it at identity.apple.com", "cannot reach Apple's push service"
APPLE, DEVICE = "passes by itself", "the device must enrol again"
POST = 'Post "https://api.push.apple.com/3/device/00ff17secret": '


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("push error: possibly expired or invalid APNs certificate: x", CERTIFICATE),
        (f"{POST}remote error: tls: internal error", CERTIFICATE),
        (f"{POST}remote error: tls: expired certificate", CERTIFICATE),
        (f"{POST}remote error: tls: revoked certificate", CERTIFICATE),
        ("there was an error with the certificate", CERTIFICATE),
        ("certificate was for the wrong environment", CERTIFICATE),
        ("pushing to this topic is not allowed", CERTIFICATE),
        ("device token does not match the specified topic", CERTIFICATE),
        ("push HTTP status: 403: BadCertificate", CERTIFICATE),
        ("push HTTP status: 400: TopicDisallowed", CERTIFICATE),
        (f"{POST}dial tcp: lookup api.push.apple.com: no such host", NETWORK),
        (f"{POST}dial tcp 17.188.1.1:443: i/o timeout", NETWORK),
        (f"{POST}dial tcp 17.188.1.1:443: connect: connection refused", NETWORK),
        (f"{POST}net/http: TLS handshake timeout", NETWORK),
        (f"{POST}context deadline exceeded", NETWORK),
        (f"{POST}proxyconnect tcp: EOF", NETWORK),
        (f"{POST}x509: certificate signed by unknown authority", "exempt api.push.apple.com"),
        ("bad device token", DEVICE),
        ("device token is inactive for the specified topic (last invalid at x)", DEVICE),
        ("push HTTP status: 410: Unregistered", DEVICE),
        ("the service is unavailable", APPLE),
        ("push HTTP status: 500: InternalServerError", APPLE),
        ("something new", "see its log"),
    ],
)
def test_the_kind_of_failure_is_told_and_nothing_of_the_text(said: str, shown: str) -> None:
    words = why_no_push(said)
    assert shown in words
    assert "secret" not in words and said not in words
