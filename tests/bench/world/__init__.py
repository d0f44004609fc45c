"""The outside world as one cheap process: MicroMDM with devices that answer at once, and Apple.

One asyncio loop with an HTTP reader of its own, so that what it costs hardly counts: about 0.1 ms
of processor time for a message. It has no faults and checks nothing; `bridge.simulator` does that.
"""
