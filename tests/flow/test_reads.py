"""What Apple's lists say: in full, by what changed, and when the counts do not add up."""

from collections.abc import Callable

from bridge.simulator.faults import Fault
from tests.flow.scene import Scene
from tests.flow.test_messages import asset_count, notify

MakeScene = Callable[..., Scene]


def test_a_licence_given_in_the_portal_is_found_within_minutes(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=1, seats=1, faults=[])
    scene.apply()
    scene.run(lambda: "installed INSTALLED" in scene.states())
    (waiting,) = scene.installs(state="waiting")
    scene.world.location.client = scene.world.location.client
    library = scene.world.location.library
    library.assets[scene.adam_ids[0], "STDQ"].total += 1
    scene.world.faults.add(Fault("apple.notification", "drop", times=0))
    scene.world.apple.portal(
        scene.world.location, "ASSOCIATE", scene.adam_ids[0], [waiting["serial_number"]]
    )
    scene.run(scene.all_installed, limit=15 * 60)
    assert scene.world.ledger.requests["apple.associate"] == 1


def test_when_apple_forgot_the_version_everything_is_read(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1)
    scene.apply()
    scene.run(scene.all_installed)
    scene.world.faults.add(Fault("apple.assignments", "error", match="sinceVersionId", number=9721))
    walks = scene.world.ledger.requests["apple.assignments"]
    scene.pass_time(11 * 60)
    assert scene.world.ledger.requests["apple.assignments"] == walks + 2


def test_a_walk_under_which_data_changed_takes_nothing_away(make_scene: MakeScene) -> None:
    scene = make_scene(devices=6, apps=2)
    scene.apply()
    scene.run(scene.all_installed)
    scene.world.apple.settings.page_size = 5
    library = scene.world.location.library
    send, walked = scene.apple_adapter.send, list[str]()

    def changing(request, **arguments):  # type: ignore[no-untyped-def]
        reply = send(request, **arguments)
        if "/assignments" in request.path_url and "sinceVersionId" not in request.path_url:
            walked.append(request.path_url)
            if len(walked) == 1:
                # Page two begins one entry later now, so that the walk never sees the sixth.
                first = next(iter(library.assignments))
                held = library.assignments.pop(first)
                library.touch()
                scene.world.kernel.after(0.5, lambda: restore(first, held))
        return reply

    def restore(first, held):  # type: ignore[no-untyped-def]
        library.assignments[first] = held
        library.touch()

    scene.apple_adapter.send = changing  # type: ignore[method-assign]
    with scene.bridge.database.write() as db:
        db.execute("UPDATE schedule SET next_at = 0 WHERE name = 'assignments:hq'")
    scene.pass_time(5)
    assert len(walked) > 3, "it was walked again"
    assert scene.all_installed(), f"nothing counts as taken away: {scene.states()}"


def test_counts_that_do_not_add_up_are_read_again(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1)
    scene.apply()
    scene.run(scene.all_installed)
    before = scene.world.ledger.requests["apple.assets"]
    assert notify(scene, asset_count(scene, delta=-50)) == 200
    scene.settle()
    assert scene.world.ledger.requests["apple.assets"] == before + 1
    assert scene.counters()["apple.count_odd"] == 1


def test_unlimited_assets_never_run_out(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=1, seats=0)
    scene.world.location.library.assets[scene.adam_ids[0], "STDQ"].unlimited = True
    scene.apply()
    scene.run(scene.all_installed)
