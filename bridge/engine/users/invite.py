"""Invitations shown on the devices of users: a command in the device's queue like any other.

Nobody is told whether the person accepts, until Apple tells that the user is associated. A command
that is lost is not repeated by itself: who asked for it sees that no answer came, and asks anew.
"""

from __future__ import annotations

from collections.abc import Sequence

from bridge.domain.devices.targets import shown
from bridge.domain.model import Device
from bridge.domain.pauses import Way
from bridge.domain.users.invitation import link
from bridge.domain.users.inviting import Invitee, Inviting, decide_inviting
from bridge.domain.users.reasons import describe_user
from bridge.domain.views.users import Invited
from bridge.domain.wording import as_sentence, nearest
from bridge.engine.commands import uuids
from bridge.engine.commands.turn import may_go_at
from bridge.engine.context import Context
from bridge.engine.decide.reconcile import ask
from bridge.errors import WishError
from bridge.store import pauses
from bridge.store.commands import commands
from bridge.store.commands.commands import New
from bridge.store.devices import channels, devices
from bridge.store.licences import locations
from bridge.store.users import invitations, users
from bridge.store.users.users import UserRow

REQUEST_TYPE = "InviteToProgram"


def invite(
    context: Context, client_user_ids: Sequence[str], location: str | None, way: Way
) -> list[Invited]:
    """Invite these users, in one location or wherever they are; what came of each.

    `way` tells how to end a pause. Raises WishError for somebody who is unknown there: then nobody
    is invited.
    """
    names = list(dict.fromkeys(client_user_ids))
    meant = [user for name in names for user in _meant(context, name, location)]
    last, owned = invitations.newest(context.db, names), users.devices_of(context.db, names)
    paused = pauses.load(context.db)
    done = list[Invited]()
    for user in meant:
        pause = paused.over_location(user.location)
        invitee = Invitee(
            client_user_id=user.client_user_id,
            location=user.location,
            status=user.status,
            managed_apple_id=user.managed_apple_id,
            stands=_stands(user),
            link=link(locations.get(context.db, user.location).invitation_url, user.invite_code),
            pause=None if pause is None else pause.shown_to(way),
            last=last.get((user.location, user.client_user_id)),
            devices=_screens(context, owned[user.client_user_id]),
        )
        inviting = decide_inviting(invitee, context.policy.users.invite_again, context.now)
        done.append(_do(context, invitee, inviting, way))
    return done


def _meant(context: Context, client_user_id: str, location: str | None) -> list[UserRow]:
    found = users.everywhere(context.db, client_user_id)
    meant = [user for user in found if location in (None, user.location)]
    if meant:
        return meant
    if found:
        places = ", ".join(user.location for user in found)
        raise WishError(f"user {client_user_id} is not known at {location}, but at {places}")
    near = nearest(client_user_id, users.names(context.db))
    raise WishError(f"user {client_user_id} is unknown{near}")


def _stands(user: UserRow) -> str:
    names = {"user": user.client_user_id, "location": user.location, "detail": user.detail}
    return describe_user(user.reason, **names)[0]


def _screens(context: Context, targets: Sequence[str]) -> list[Device]:
    """Where these devices show what is for their user: a user's channel, where there is one."""
    carried = devices.current(context.db, targets) if targets else {}
    some = [carried[target] for target in targets if target in carried]
    of_users = channels.of_devices(context.db, some) if some else {}
    return [of_users.get(device.id, device) for device in some]


def _do(context: Context, user: Invitee, inviting: Inviting, way: Way) -> Invited:
    device = inviting.device
    if device is not None and user.link is not None:
        inviting = _send(context, user, device, user.link, inviting, way)
    if inviting.outcome == "no_device":
        for each in user.devices:
            if each.is_reachable and not each.is_described:
                ask(context, each, "DeviceInformation")
    sent = inviting.outcome == "sent" and device is not None
    return Invited(
        location=user.location,
        client_user_id=user.client_user_id,
        outcome=inviting.outcome,
        sentence=as_sentence(inviting.sentence),
        device=shown(device.target or "") if sent and device is not None else None,
        invitation_url=user.link if inviting.hand_over else None,
    )


def _send(
    context: Context, user: Invitee, device: Device, url: str, inviting: Inviting, way: Way
) -> Inviting:
    """Have a device show an invitation, unless it is paused or about to show another."""
    name, target = user.client_user_id, device.target or ""
    pause = pauses.load(context.db).over_device(target)
    if pause is not None:
        why = f"user {name} is not invited: {pause.shown_to(way)}"
        return Inviting("paused", why, hand_over=True)
    new = New(
        command_uuid=uuids.new(context.now),
        server=device.server,
        device_id=device.id,
        install_id=None,
        request_type=REQUEST_TYPE,
        enrolment=device.enrolment,
        due_at=may_go_at(context, device),
    )
    if not commands.make(context.db, [new], context.now):
        other = f"{shown(target)} is about to show another invitation: invite user {name} later"
        return Inviting("under_way", other, hand_over=True)
    invitations.keep(
        context.db,
        new.command_uuid,
        user.location,
        name,
        target=target,
        url=url,
        now=context.now,
    )
    return inviting
