"""How many calls are made at once to each location, server and receiver."""

from __future__ import annotations

from collections.abc import Mapping

AT_ONCE: Mapping[str, int] = {"apple": 5, "mdm": 4, "alerts": 1}
"""Calls under way at once to one location (Apple's limit for pages), to one server (more only
reduces the throughput), or to one receiver of alerts (which may be dead, and holds up a thread)."""

SERIES_FOR = 0.03
"""Seconds that a series of calls takes: as long as what was done may wait for being kept."""

LONGEST_SERIES = 32

QUICK = 0.004
"""Seconds of a call above which the threads of a process wait more than they work."""

QUICK_AT_ONCE = 2
"""Series under way at once to a server that answers that quickly: more threads get in each other's
way (measured: four make three quarters of the calls that one makes)."""
