"""A process that uses a share of one core, in short turns: `burner SHARE SECONDS`.

It stands for the engine beside a bare hook: what takes processor time is felt, what holds a lock
is not.
"""

from __future__ import annotations

import sys
import time

TURN = 0.02


def burn(share: float, seconds: float) -> None:
    """Use this share of a core, by the process's own clock, for so long."""
    end = time.monotonic() + seconds
    began, used = time.monotonic(), time.process_time()
    while (now := time.monotonic()) < end:
        owed = share * (now - began) - (time.process_time() - used)
        if owed <= 0:
            time.sleep(TURN * (1.0 - share) or TURN / 10)
            continue
        until = time.process_time() + min(owed, TURN)
        while time.process_time() < until:
            sum(range(100))


if __name__ == "__main__":
    burn(float(sys.argv[1]), float(sys.argv[2]))
