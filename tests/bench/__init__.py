"""`tools/bench`: what the bridge costs, each figure beside its limit, measured in the same run.

A figure is a function in `figures/`; it drives the real `serve` (`served`) between a cheap outside
world (`world/`, a process of its own) and the programs that set the limits (`bare/`).
"""
