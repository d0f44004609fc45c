"""Brings into the site what docs/ links to outside of itself; a hook of mkdocs (mkdocs.yml)."""

import os
import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

CHECKOUT = Path(__file__).parents[1]
DOCS = CHECKOUT / "docs"
PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "config.example.yaml": "settings.md",
    "compose.yaml": "compose.md",
    "tools/api/README.md": "tools-api.md",
    "findings/README.md": "findings.md",
}
"""What is shown, by its path in the repository, and the page that it becomes."""

_LINK = re.compile(r"\]\(([^)#:\s]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages."""
    for source, page in PAGES.items():
        text = (CHECKOUT / source).read_text()
        if source.endswith(".yaml"):
            text = f"# {source}\n\n```yaml\n{text}```\n"
        files.append(File.generated(config, page, content=relinked(text, source, page)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Let the pages of docs/ link to these."""
    source = page.file.src_uri
    return markdown if source in PAGES.values() else relinked(markdown, f"docs/{source}", source)


def relinked(text: str, source: str, page: str) -> str:
    """The text of a file of the repository with its links as they are from a page of the site."""

    def link(found: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), found[1]))
        if target in PAGES:
            target = PAGES[target]
        elif target.startswith("docs/"):
            target = target.removeprefix("docs/")
        else:
            return found[0]  # mkdocs says that it leads nowhere
        return f"]({os.path.relpath(target, posixpath.dirname(page) or '.')}{found[2] or ''})"

    return _LINK.sub(link, text)
