"""What Apple and devices say, and what it means: one table for each of their vocabularies.

Each word or number has a plain cause and a kind; `TREATMENTS` says what follows each kind of
device's answer: the reason that is given (with who must act), what the bridge does next, and how
often. What is in no table is data, too: it is kept as it came and treated as `unknown`.
"""

from bridge.domain.catalogue.answers import FORMAT_ERROR, answer_meaning, telling_link
from bridge.domain.catalogue.app_statuses import (
    DELETED,
    MANAGED,
    NOT_ARRIVED,
    SAID_ONCE,
    STATUSES,
    app_status,
    statuses_of,
)
from bridge.domain.catalogue.apple_errors import APPLE_ERRORS, AppleError, apple_error
from bridge.domain.catalogue.device_errors import (
    DOMAINS,
    MDM_DOMAINS,
    MDM_ERRORS,
    STORE_ERRORS,
    device_error,
)
from bridge.domain.catalogue.meaning import TREATMENTS, AnswerKind, Meaning, Treatment
from bridge.domain.catalogue.rejections import REJECTIONS, rejection

__all__ = [
    "APPLE_ERRORS",
    "DELETED",
    "DOMAINS",
    "FORMAT_ERROR",
    "MANAGED",
    "MDM_DOMAINS",
    "MDM_ERRORS",
    "NOT_ARRIVED",
    "REJECTIONS",
    "SAID_ONCE",
    "STATUSES",
    "STORE_ERRORS",
    "TREATMENTS",
    "AnswerKind",
    "AppleError",
    "Meaning",
    "Treatment",
    "answer_meaning",
    "app_status",
    "apple_error",
    "device_error",
    "rejection",
    "statuses_of",
    "telling_link",
]
