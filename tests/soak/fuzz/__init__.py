"""Bad input at every door of the bridge, in process: `tools/soak --fuzz`.

Each input is drawn from a seed, the door's name and a number, so that one is made again by these
three. hypothesis draws and keeps far more for each input than the doors take to read it; so what is
good is changed by a few lines of our own here, and the rules of single readers are held by
hypothesis in the unit tests.
"""
