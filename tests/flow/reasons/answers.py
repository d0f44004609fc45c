"""Reasons that a device or the person at it gives, by what it answers."""

from __future__ import annotations

from dataclasses import replace

from bridge.domain.policy import DAY, Policy
from bridge.simulator.devices import script
from tests.flow.reasons import MakeScene, catch, scenario
from tests.flow.reasons.device import on_its_way
from tests.flow.scene import Scene, rarely


def few_attempts(wait: float = 20.0) -> Policy:
    """Two attempts, `wait` seconds apart."""
    return replace(Policy(), install=replace(Policy().install, license_retry=(wait,)))


@scenario(
    "LICENSE_NOT_VISIBLE",
    "licensed",
    "could not see its licence",
    "nobody",
    next="reads the assignment again and sends the install again",
    code=0,
)
def licence_not_visible(make_scene: MakeScene) -> Scene:
    late = script.error("ASDServerErrorDomain", 9610)
    return catch(on_its_way(make_scene, late), "LICENSE_NOT_VISIBLE")


@scenario(
    "LICENSE_NEVER_VISIBLE",
    "failed",
    "never saw its licence",
    "the admin",
    next="check that no other MDM uses this token",
    code=1,
)
def licence_never_visible(make_scene: MakeScene) -> Scene:
    never = script.error("ASDServerErrorDomain", 9610, times=0)
    scene = on_its_way(make_scene, never, policy=few_attempts())
    return catch(scene, "LICENSE_NEVER_VISIBLE")


@scenario(
    "RETRY_LATER",
    "licensed",
    "could not install",
    "nobody",
    next="sends the install again",
    code=0,
)
def retry_later(make_scene: MakeScene) -> Scene:
    return catch(on_its_way(make_scene, script.error("NSCocoaErrorDomain", 4)), "RETRY_LATER")


@scenario(
    "ATTEMPTS_USED_UP",
    "failed",
    "too often",
    "the admin",
    next="look at the device, then run vpp-bridge retry",
    code=1,
)
def attempts_used_up(make_scene: MakeScene) -> Scene:
    always = script.error("NSCocoaErrorDomain", 4, times=0)
    return catch(on_its_way(make_scene, always, policy=few_attempts()), "ATTEMPTS_USED_UP")


@scenario(
    "DEVICE_REFUSED",
    "failed",
    "installing apps is switched off on the device (MCMDMErrorDomain 12031)",
    "the admin",
    next="mend the cause, then run vpp-bridge retry",
    code=1,
)
def device_refused(make_scene: MakeScene) -> Scene:
    no = script.error("MCMDMErrorDomain", 12031, times=0)
    return catch(on_its_way(make_scene, no), "DEVICE_REFUSED")


@scenario(
    "LOGIN_REQUIRED",
    "needs_user",
    "asks for an Apple Account to be signed in",
    "somebody at the device",
    next="sign in on the device",
    code=1,
)
def login_required(make_scene: MakeScene) -> Scene:
    login = script.error("MCMDMErrorDomain", 12040, times=0)
    return catch(on_its_way(make_scene, login), "LOGIN_REQUIRED")


@scenario(
    "USER_REJECTED",
    "needs_user",
    "said no",
    "somebody at the device",
    next="talk to them",
    code=1,
)
def user_rejected(make_scene: MakeScene) -> Scene:
    return catch(on_its_way(make_scene, script.user_rejected(times=0)), "USER_REJECTED")


@scenario(
    "APP_DELETED",
    "needs_user",
    "somebody deleted",
    "somebody at the device",
    next="download it again on the device",
    code=1,
)
def app_deleted(make_scene: MakeScene) -> Scene:
    policy = replace(Policy(), verify=replace(Policy().verify, installed_every=600.0))
    scene = on_its_way(make_scene, policy=policy)
    scene.run(scene.all_installed)
    scene.world.devices[0].user_deletes(scene.adam_ids[0])
    return catch(scene, "APP_DELETED")


@scenario(
    "NOT_ARRIVED",
    "acknowledged",
    "has not arrived on",
    "nobody",
    next="is asked for its apps again; if",
    code=0,
)
def not_arrived(make_scene: MakeScene) -> Scene:
    return catch(on_its_way(make_scene, script.never_arrives(times=0)), "NOT_ARRIVED")


@scenario(
    "NEVER_ARRIVED",
    "failed",
    "never arrived on",
    "the admin",
    next="run vpp-bridge retry",
    code=1,
)
def never_arrived(make_scene: MakeScene) -> Scene:
    late = script.never_arrives(times=0)
    return catch(on_its_way(make_scene, late, policy=few_attempts()), "NEVER_ARRIVED")


@scenario(
    "NETWORK_TROUBLE",
    "licensed",
    "could not reach the App Store",
    "nobody",
    next="for as long as it takes",
    code=0,
)
def network_trouble(make_scene: MakeScene) -> Scene:
    offline = script.error("NSURLErrorDomain", -1009, times=0)
    return catch(on_its_way(make_scene, offline), "NETWORK_TROUBLE")


@scenario(
    "UNMANAGED_COPY",
    "conflict",
    "that is not managed",
    "the admin",
    next="delete that copy on the device",
    code=1,
)
def unmanaged_copy(make_scene: MakeScene) -> Scene:
    scene = make_scene(devices=1, apps=1, macs=0)
    scene.world.devices[0].user_installs(scene.adam_ids[0])
    scene.apply()
    return catch(scene, "UNMANAGED_COPY")


@scenario(
    "COMMAND_MALFORMED",
    "failed",
    "could not read the command",
    "the admin",
    next="report this as a mistake of the bridge",
    code=1,
)
def command_malformed(make_scene: MakeScene) -> Scene:
    return catch(on_its_way(make_scene, script.command_format_error(times=0)), "COMMAND_MALFORMED")


@scenario(
    "INSTALLED_UNMANAGED",
    "installed",
    "where it is not managed",
    "nobody",
    next="looks again at least once a week",
    code=0,
)
def installed_unmanaged(make_scene: MakeScene) -> Scene:
    scene = make_scene(devices=1, apps=1, macs=1)
    scene.apply(scene.desired(named=True, managed=False))
    return catch(scene, "INSTALLED_UNMANAGED")


@scenario(
    "PROMPT_UNANSWERED",
    "needs_user",
    "has asked its user about",
    "somebody at the device",
    next="accept on the device",
    code=1,
)
def prompt_unanswered(make_scene: MakeScene) -> Scene:
    scene = on_its_way(make_scene, script.prompting(times=0))
    return catch(scene, "PROMPT_UNANSWERED", limit=DAY)


@scenario(
    "NOT_ANSWERED",
    "sent",
    "came for commands and left the install of",
    "nobody",
    next="the MDM server offers it again",
    code=0,
)
def not_answered(make_scene: MakeScene) -> Scene:
    return catch(on_its_way(make_scene, script.silent(times=0)), "NOT_ANSWERED", limit=DAY)


@scenario(
    "APP_MISSING",
    "unconfirmed",
    "its newest list of apps leaves it out",
    "nobody",
    next="asked once more; then the app is sent again",
    code=0,
)
def app_missing(make_scene: MakeScene) -> Scene:
    policy = replace(Policy(), verify=replace(Policy().verify, installed_every=600.0))
    scene = on_its_way(make_scene, policy=policy)
    scene.run(scene.all_installed)
    scene.reachable = False  # nothing tells of the enrolment that erases it
    scene.world.devices[0].reenrol(erased=True)
    scene.world.advance(60)
    scene.restart()
    return catch(scene, "APP_MISSING")


@scenario(
    "NOT_TOLD",
    "needs_user",
    "leaves the question open that goes before",
    "somebody at the device",
    next="unlock the device, or enrol it anew",
    code=1,
)
def not_told(make_scene: MakeScene) -> Scene:
    silent = script.silent(times=0, request_type="ManagedApplicationList")
    scene = on_its_way(make_scene, silent, policy=rarely())
    return catch(scene, "NOT_TOLD", limit=15 * DAY)


@scenario(
    "LIST_REFUSED",
    "licensed",
    "will not list its apps",
    "the admin",
    next="asked again at growing intervals",
    code=1,
)
def list_refused(make_scene: MakeScene) -> Scene:
    no = script.error("MCMDMErrorDomain", 12021, times=0, request_type="ManagedApplicationList")
    return catch(on_its_way(make_scene, no), "LIST_REFUSED", limit=2 * DAY)


@scenario(
    "ANSWER_UNREADABLE",
    "licensed",
    "its answer cannot be read",
    "the admin",
    next="asked again, at last once a day",
    code=1,
)
def answer_unreadable(make_scene: MakeScene) -> Scene:
    scene = on_its_way(make_scene)
    scene.world.devices[0].mangle = lambda kind, answer: (
        answer.replace(b"<dict>", b"<dict>\0", 1) if kind == "ManagedApplicationList" else answer
    )
    return catch(scene, "ANSWER_UNREADABLE")
