"""How whoever applies asks for what is not done without a word more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Anyway:
    """What is to be said for more removals, and for licences that Apple never takes back; `{}`
    stands for their number."""

    removals: str
    irrevocable: str


BY_OPTIONS: Final = Anyway("--allow-removals {}", "--allow-irrevocable {}")
"""On the command line."""
