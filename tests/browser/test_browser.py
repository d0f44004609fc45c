"""The status pages in a real browser: no complaint, nothing from elsewhere, and for everyone.

What it saw is kept in .artefacts/pages: each page 1280 and 390 wide, light and dark.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import pytest

from bridge.config.model import NamedKey
from tests.browser import axe
from tests.browser.conftest import ARTEFACTS, Served, visit

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow

LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]


def pages_of(served: Served) -> list[str]:
    """One page of each kind, as a person would come to them."""
    scene = served.scene
    failed = scene.bridge.list_outbox(state="failed", limit=1).items[0]["id"]
    return [
        "/",
        "/apps",
        f"/apps/{scene.adam_ids[0]}",
        "/devices",
        f"/devices/{scene.serials[0]}",
        f"/devices/{scene.serials[1]}",
        "/devices/NEVERSEEN1",
        "/locations/hq",
        "/events",
        "/events/3",
        "/outbox",
        f"/outbox/{failed}",
        "/users",
        "/audit",
        "/audit?action=retry&since=7d",
        "/search?q=ipad",
        "/search",
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_is_as_it_should_be_for_everyone(
    browser: Browser, served: Served, width: int, scheme: Literal["light", "dark"]
) -> None:
    """No violation of level A or AA, no sideways scrolling, no complaint, nothing from outside."""
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    script = axe.source()
    # The policy of the pages would refuse a script that is not ours, as it should: the tool alone
    # is let past it, and another test holds the policy.
    seen = visit(browser, served, width=width, color_scheme=scheme, bypass_csp=True)
    violations = []
    for path in pages_of(served):
        seen.open(path)
        name = re.sub(r"[^a-zA-Z0-9]+", "-", path).strip("-") or "overview"
        picture = seen.page.screenshot(full_page=True)
        (ARTEFACTS / f"{name}-{width}-{scheme}.png").write_bytes(picture)
        seen.page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= width, path
        seen.page.evaluate(script)
        found = seen.page.evaluate(
            "levels => axe.run(document, {runOnly: {type: 'tag', values: levels}})", LEVELS
        )
        violations += [
            f"{path}: {each['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
            for each in found["violations"]
            for node in each["nodes"]
        ]
    assert violations == []
    assert (seen.complaints, seen.outside) == ([], [])
    seen.page.context.close()


def test_every_link_leads_to_a_page_of_the_bridge(browser: Browser, served: Served) -> None:
    seen = visit(browser, served)
    left, opened = ["/"], set[str]()
    kinds: dict[str, int] = {}
    while left:
        path = left.pop(0)
        kind = re.sub(r"[0-9]+", "0", path)
        if path in opened or kinds.get(kind, 0) >= 3:
            continue
        kinds[kind] = kinds.get(kind, 0) + 1
        opened.add(path)
        seen.open(path)
        links = seen.page.locator("a[href]").evaluate_all(
            "all => all.map(a => a.getAttribute('href'))"
        )
        assert all(link.startswith(("/", "#main")) for link in links), (path, links)
        left += [link for link in links if link.startswith("/") and "csv=" not in link]
    assert len(opened) > 25
    assert (seen.complaints, seen.outside) == ([], [])
    seen.page.context.close()


def test_a_person_searches_and_presses_the_buttons(browser: Browser, served: Served) -> None:
    scene, seen = served.scene, visit(browser, served)
    seen.open("/")
    seen.page.get_by_role("searchbox").fill(scene.serials[2])
    seen.page.get_by_role("searchbox").press("Enter")
    assert seen.path == f"/search?q={scene.serials[2]}"
    seen.page.get_by_role("link", name=scene.serials[2], exact=True).click()
    assert seen.path == f"/devices/{scene.serials[2]}"
    seen.page.get_by_role("button", name="Give it another round").click()
    assert "1 install got another round." in seen.page.inner_text("main")

    for path, what in ((f"/devices/{scene.serials[0]}", "device"), ("/locations/hq", "location")):
        seen.open(path)
        seen.page.get_by_role("button", name=f"Pause this {what}").click()
        assert "It is paused." in seen.page.inner_text("main")
        seen.page.get_by_role("link", name="Back to it").click()
        assert "is paused since" in seen.page.inner_text("#pausing")
        seen.page.get_by_role("button", name=f"Resume this {what}").click()
        assert "It goes on" in seen.page.inner_text("main")

    event = scene.bridge.list_events(topic="mdm.Connect", limit=1).items[0]["id"]
    seen.open(f"/events/{event}")
    seen.page.get_by_role("button", name="Handle it again").click()
    assert "It was handled again" in seen.page.inner_text("main")
    seen.page.get_by_role("link", name="Back to it").click()
    assert seen.path == f"/events/{event}"

    failed = scene.bridge.list_outbox(state="failed", limit=1).items[0]["id"]
    seen.open(f"/outbox/{failed}")
    seen.page.get_by_role("button", name="Make it again").click()
    assert "It is made again as soon as the engine can." in seen.page.inner_text("main")
    assert (seen.complaints, seen.outside) == ([], [])
    seen.page.context.close()


def test_each_key_sees_and_does_what_its_role_may(browser: Browser, served: Served) -> None:
    """Who may only read finds no button; who may operate does, and is named by the audit log."""
    scene = served.scene
    keys = {"the-read": NamedKey("read", "read-key-of-a-visitor")}
    keys["the-operate"] = NamedKey("operate", "operate-key-of-a-visitor")
    before = scene.bridge.config
    scene.bridge.config = replace(before, api=replace(before.api, keys=keys))
    event = f"/events/{scene.bridge.list_events(topic='mdm.Connect', limit=1).items[0]['id']}"
    try:
        reads = visit(browser, served, key="read-key-of-a-visitor")
        for path in (event, *pages_of(served)):
            reads.open(path)
            assert reads.page.locator("form[method=post]").count() == 0, path
        assert "key the-read (read)" in reads.page.inner_text("footer")
        operates = visit(browser, served, key="operate-key-of-a-visitor")
        operates.open(event)
        operates.page.get_by_role("button", name="Handle it again").click()
        assert "It was handled again" in operates.page.inner_text("main")
        reads.open("/")
        reads.page.get_by_role("link", name="Audit").click()
        reads.page.get_by_label("Who").fill("the-operate")
        reads.page.get_by_role("button", name="Show").click()
        assert reads.page.locator("#table-audit tbody tr").count() == 1
        row = reads.page.inner_text("#table-audit tbody tr")
        assert "key the-operate" in row and "POST /events/{id}/replay" in row
        for seen in (reads, operates):
            assert (seen.complaints, seen.outside) == ([], [])
            seen.page.context.close()
    finally:
        scene.bridge.config = before


def test_numbers_update_by_themselves(browser: Browser, served: Served) -> None:
    from playwright.sync_api import expect  # noqa: PLC0415 - it may not be there

    seen = visit(browser, served)
    seen.page.clock.install()
    seen.open("/")
    before = seen.page.locator("#verdict").text_content() or ""
    assert "Pause app" not in seen.page.inner_text("#lamps")
    served.scene.bridge.pause("app", served.scene.adam_ids[0])
    try:
        seen.page.clock.run_for(16_000)
        expect(seen.page.locator("#lamps")).to_contain_text("Pause app")
        expect(seen.page.locator("#verdict")).not_to_have_text(before)
    finally:
        served.scene.bridge.resume("app", served.scene.adam_ids[0])
    assert (seen.complaints, seen.outside) == ([], [])
    seen.page.context.close()


def test_all_works_without_a_script(browser: Browser, served: Served) -> None:
    seen = visit(browser, served, java_script_enabled=False)
    for path in pages_of(served):
        seen.open(path)
    seen.page.get_by_role("searchbox").fill("ipad")
    seen.page.get_by_role("button", name="Search").click()
    assert seen.path == "/search?q=ipad"
    seen.open("/events")
    seen.page.get_by_label("From").select_option("apple")
    seen.page.get_by_role("button", name="Show").click()
    assert seen.path == "/events?source=apple&status=&topic="
    assert (seen.complaints, seen.outside) == ([], [])
    seen.page.context.close()


def test_a_name_from_outside_runs_nothing(browser: Browser, served: Served) -> None:
    seen = visit(browser, served)
    ran: list[str] = []
    seen.page.on("dialog", lambda dialog: (ran.append(dialog.message), dialog.dismiss()))
    seen.open(f"/devices/{served.scene.serials[0]}")
    assert "<script>alert(1)</script>" in seen.page.inner_text("h1")
    seen.page.hover("h1")
    refused = seen.page.evaluate(
        """() => new Promise(done => {
          document.addEventListener('securitypolicyviolation', e => done(e.effectiveDirective));
          const script = document.createElement('script');
          script.textContent = 'alert(2)';
          document.body.append(script);
          setTimeout(() => done(''), 2000);
        })"""
    )
    assert refused.startswith("script-src")
    assert ran == []
    seen.page.context.close()
