"""Loaded by Python itself at its start, where BENCH_PROFILE names a folder: profiles each thread.

The profile of a process is written when it ends, however it ends in order. The clock is the
thread's own processor time, or with BENCH_PROFILE_CLOCK=wall the time that passes, which shows
where threads wait.
"""

import atexit
import cProfile
import os
import sys
import threading
import time

_FOLDER = os.environ.get("BENCH_PROFILE", "")
_CLOCK = time.perf_counter if os.environ.get("BENCH_PROFILE_CLOCK") == "wall" else time.thread_time
_ROLES = ("serve-engine", "serve-web")
_profiles = []


def _begin():
    profile = cProfile.Profile(_CLOCK)
    _profiles.append(profile)
    try:
        profile.enable()
    except ValueError:  # from Python 3.12 on there is one profiler in a process
        _profiles.remove(profile)


def _write():
    import pstats  # noqa: PLC0415 - Python starts many processes that need no profile

    role = next((word for word in _ROLES if word in sys.argv), "")
    found = None
    for profile in list(_profiles):
        profile.snapshot_stats()
        if profile.stats:
            if found is None:
                found = pstats.Stats(profile)
            else:
                found.add(profile)
    if found is not None and role:
        found.dump_stats(os.path.join(_FOLDER, f"{role.removeprefix('serve-')}-{os.getpid()}.prof"))


def _after_fork():
    _profiles.clear()
    _begin()


def _install():
    run, leave = threading.Thread.run, os._exit

    def profiled(self):
        _begin()
        run(self)

    def leaving(code):
        _write()
        leave(code)

    threading.Thread.run = profiled
    os._exit = leaving
    os.register_at_fork(after_in_child=_after_fork)
    atexit.register(_write)
    _begin()


if _FOLDER and any(word in sys.orig_argv for word in _ROLES):
    _install()
