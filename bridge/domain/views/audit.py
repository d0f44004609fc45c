"""Who changed what."""

from typing import Annotated, Any, TypedDict

from bridge.domain.audit import Action, ActorKind
from bridge.domain.roles import Role
from bridge.domain.views.members import Time


class AuditEntry(TypedDict):
    """One change, or one refusal, with who asked for it. No secret is ever in it."""

    id: int
    at: Time
    actor: Annotated[ActorKind, "A key of the API, a local user, or the bridge by itself."]
    who: Annotated[str, "The key's name as the file has it, or the user's."]
    role: Annotated[Role | None, "The key's."]
    sudo_user: Annotated[str | None, "Who became this local user by sudo."]
    via: Annotated[str, "The call or the command."]
    action: Action
    sentence: str
    subject: Annotated[dict[str, Any], "What it is about, by the names that the log uses."]
    before: Annotated[dict[str, Any] | None, "What was so, in a few members."]
    after: Annotated[dict[str, Any] | None, "What is so, in a few members."]
    times: Annotated[int, "How often: refusals within an hour that are alike are told together."]
