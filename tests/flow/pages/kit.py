"""Reading pages in tests: what a person finds on them, and what a browser would do with them."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

from flask.testing import FlaskClient

from tests.flow.scene import API_KEY
from tests.web_stand_in import basic

KEY = basic(API_KEY)
OUTSIDE = re.compile(r"(?:href|src|action|poster|data)=[\"']?(?:[a-z]+:)?//", re.IGNORECASE)


class Found(HTMLParser):
    """The parts of a page: its links, forms, text and everything that a browser might run."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[dict[str, Any]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.ids: list[str] = []
        self._words: list[str] = []
        self.feed(page)
        self.close()

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.tags.append((tag, named))
        if identity := named.get("id"):
            self.ids.append(identity)
        if tag == "a" and (href := named.get("href")):
            self.links.append(href)
        if tag == "form":
            self.forms.append(
                {"method": named.get("method"), "action": named["action"], "fields": {}}
            )
        if tag == "input" and self.forms and (name := named.get("name")):
            self.forms[-1]["fields"][name] = named.get("value") or ""

    def handle_data(self, data: str) -> None:
        self._words.append(data)

    @property
    def buttons(self) -> list[dict[str, Any]]:
        return [form for form in self.forms if form["method"] == "post"]


def open_page(
    client: FlaskClient, path: str, headers: dict[str, str] | None = None, status: int = 200
) -> Found:
    """Open one page, and hold what holds of all of them."""
    response = client.get(path, headers=KEY if headers is None else headers)
    page = response.get_data(as_text=True)
    assert response.status_code == status, f"{path}: {page[:300]}"
    assert response.content_type == "text/html; charset=utf-8"
    found = Found(page)
    assert not OUTSIDE.search(page), path
    assert "://" not in re.sub(r"<pre.*?</pre>", "", page, flags=re.DOTALL), path
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=[\"']|javascript:", page), path
    assert [t for t, named in found.tags if t == "script" and "src" not in named] == []
    assert len(found.ids) == len(set(found.ids)), path
    return found


def every_page(client: FlaskClient, headers: dict[str, str] | None = None) -> dict[str, Found]:
    """All pages that links lead to from the first one; each kind of address a few times."""
    seen: dict[str, Found] = {}
    kinds: dict[str, int] = {}
    left = ["/"]
    while left:
        path = left.pop(0)
        kind = re.sub(r"[0-9A-Z]{2,}[^/?]*", "X", path.partition("?")[0]) + ("?" * ("?" in path))
        if path in seen or "csv=" in path or path.startswith("#") or kinds.get(kind, 0) >= 6:
            continue
        kinds[kind] = kinds.get(kind, 0) + 1
        seen[path] = open_page(client, path, headers)
        left += seen[path].links
    return seen
