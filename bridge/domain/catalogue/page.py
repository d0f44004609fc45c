"""The catalogue as a page for people."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from bridge.domain.catalogue.answers import MALFORMED
from bridge.domain.catalogue.app_statuses import DELETED, NOT_ARRIVED, SAID_ONCE, STATUSES
from bridge.domain.catalogue.declared import DECLARED_REASONS, DECLARED_STATES, DeclaredKind
from bridge.domain.catalogue.device_errors import DOMAINS, MDM_ERRORS, STORE_ERRORS
from bridge.domain.catalogue.meaning import TREATMENTS, Again, Meaning
from bridge.domain.catalogue.rejections import REJECTIONS
from bridge.domain.reasons import REASONS

HOW_OFTEN: Final[dict[Again, str]] = {
    "never": "never, but by `vpp-bridge retry`",
    "looks": "never; its lists tell (`policy.verify`)",
    "retry": "as `policy.install.license_retry` says",
    "for_ever": "as `policy.install.license_retry` says, its last wait again and again",
    "prompts": "as `policy.prompts.again` says, outside of quiet hours",
    "gone": "once the copy is gone (`policy.verify.conflict_every`); with `take_over` as "
    "`policy.install.license_retry` says",
}

_INTRODUCTION = (
    "# Answers of devices",
    "",
    "What a device says of an install, what it means, and what follows. Of one answer a known",
    "error number counts most, then the rejection, then the state; texts count nothing. What is",
    "not in these tables is kept as it came: an error or a rejection is treated like any other",
    "failure, a state like any other app on its way. A good state in an answer is a promise that",
    "a list has to show; and whatever was said before, an app that a list shows as Managed is",
    "installed.",
)


def as_markdown() -> str:
    """Every word and number: cause, reasons, who must act, what comes next and how often."""
    errors = [(f"MDMErrorDomain {code}", meaning) for code, meaning in MDM_ERRORS.items()]
    errors += [(f"{domain} {code}", meaning) for (domain, code), meaning in STORE_ERRORS.items()]
    errors += [(f"{domain} (any number)", meaning) for domain, meaning in DOMAINS.items()]
    statuses = [
        (f"{word} (said once)" if word in SAID_ONCE else word, meaning)
        for word, meaning in STATUSES.items()
    ]
    statuses.append((f"{DELETED}, never Managed since it was sent", NOT_ARRIVED))
    lines = [
        *_INTRODUCTION,
        *_table("Errors", "domain and number; MCMDMErrorDomain is the same", errors),
        *_table("State and Status", "word", statuses),
        *_table("RejectionReason", "word", REJECTIONS.items()),
        *_table("Status of the answer", "word", [("CommandFormatError", MALFORMED)]),
        *_declared(),
    ]
    return "\n".join(lines) + "\n"


_DECLARED = (
    "",
    "## Declarative status",
    "",
    "Where a declaration manages an app (`app.managed.list`), the device says so by itself.",
    "Nothing is sent or removed then; what follows is for who has the declaration.",
)

_BY_KIND: Final[dict[DeclaredKind, str]] = {
    "there": "MANAGED_BY_DECLARATION",
    "on_its_way": "DECLARATION_PENDING",
    "asks": "DECLARATION_ASKS",
    "offered": "DECLARATION_OFFERS",
    "failed": "DECLARATION_FAILED",
}


def _declared() -> list[str]:
    """States and reason codes of a declarative status."""
    lines = [*_DECLARED, "", "| state | cause | reason |", "|---|---|---|"]
    lines += [f"| {w} | {s.cause} | `{_BY_KIND[s.kind]}` |" for w, s in DECLARED_STATES.items()]
    lines += ["", "| reason code | cause | who must act | what to do |", "|---|---|---|---|"]
    lines += [f"| {c} | {r.cause} | {r.actor} | {r.next} |" for c, r in DECLARED_REASONS.items()]
    return lines


def _table(title: str, word: str, rows: Iterable[tuple[str, Meaning]]) -> list[str]:
    columns = (word, "cause", "reason, then at last", "who must act", "the bridge", "sent again")
    return [
        "",
        f"## {title}",
        "",
        f"| {' | '.join(columns)} |",
        "|---" * len(columns) + "|",
        *(f"| {' | '.join(_cells(name, meaning))} |" for name, meaning in rows),
    ]


def _cells(name: str, meaning: Meaning) -> tuple[str, ...]:
    treatment = TREATMENTS[meaning.kind]
    reasons = dict.fromkeys((treatment.reason, treatment.at_last))
    actors = dict.fromkeys(REASONS[reason].actor for reason in reasons)
    return (
        name,
        meaning.cause,
        " → ".join(f"`{reason}`" for reason in reasons),
        ", then ".join(actors),
        treatment.does,
        HOW_OFTEN[treatment.again],
    )
