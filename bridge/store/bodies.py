"""Bodies of messages as they are stored: packed, since a fleet's are many and much alike.

What they have in common stands in a dictionary that zlib is given both ways; a webhook takes a
third of its bytes. Source: RFC 1950, section 2.2 (FDICT).
"""

from __future__ import annotations

import zlib
from typing import Final

_PACKED: Final = b"\x01"
_AS_IT_IS: Final = b"\x00"
"""The first byte of what is stored; without either it is the body."""

_ALIKE: Final = (
    b'{"notification":{"assignments":[{"adamId":"","pricingParam":"STDQ","serialNumber":""}],'
    b'"eventId":"","result":"SUCCESS","type":"ASSOCIATE"},"notificationId":"",'
    b'"notificationType":"ASSET_MANAGEMENT","uId":""}'
    b'"InstalledApplicationList":[{"Identifier":"com.","Installing":false,"ShortVersion":"",'
    b'"Version":""}],"QueryResponses":{"BuildVersion":"","DeviceName":"","IsSupervised":true,'
    b'"Model":"","ModelName":"iPad","OSVersion":"1","ProductName":"iPad1","SerialNumber":""}'
    b'"ErrorChain":[{"ErrorCode":,"ErrorDomain":"MCMDMErrorDomain","LocalizedDescription":""}],'
    b'"RejectionReason":"","State":"Installing","Identifier":"com.apple.","Status":"NotNow"'
    b'"topic":"mdm.TokenUpdate","topic":"mdm.Authenticate","topic":"mdm.CheckOut",'
    b'"kind":"checkin","MessageType":"","Status":"Error","message":{"CommandUUID":"",'
    b'"ManagedApplicationList":{"com.apple.":{"HasConfiguration":false,"HasFeedback":false,'
    b'"IsValidated":true,"ManagementFlags":1,"Status":"Managed"},"com.microsoft.":{'
    b'"HasConfiguration":false,"HasFeedback":false,"IsValidated":true,"ManagementFlags":1,'
    b'"Status":"Managed"},"com.google.":{"HasConfiguration":false,"HasFeedback":false,'
    b'"IsValidated":true,"ManagementFlags":1,"Status":"Managed"}},"Status":"Acknowledged",'
    b'"UDID":"","payload":{"length":,"sha256":""},"oddities":[]}'
    b'{"topic":"mdm.Connect","event_id":"","created_at":1,"kind":"acknowledge","udid":"",'
    b'"enrollment_id":null,"status":"Idle","command_uuid":null,"channel":"device","message":'
    b'{"CommandUUID":"","Status":"Acknowledged","UDID":""}'
)
"""Never to be changed, since what is stored needs it: another one takes another first byte."""


def packed(body: bytes) -> bytes:
    """What is stored of a body."""
    packer = zlib.compressobj(6, zlib.DEFLATED, wbits=13, memLevel=6, zdict=_ALIKE)
    found = _PACKED + packer.compress(body) + packer.flush()
    if len(found) < len(body):
        return found
    return _AS_IT_IS + body if body[:1] in (_PACKED, _AS_IT_IS) else body


def unpacked(stored: bytes) -> bytes:
    """The body again."""
    if stored[:1] == _PACKED:
        return zlib.decompressobj(wbits=13, zdict=_ALIKE).decompress(stored[1:])
    return stored[1:] if stored[:1] == _AS_IT_IS else stored
