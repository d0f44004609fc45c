"""Commands to devices, each with its states, its place in the device's queue and its timers."""
