"""The flows that end otherwise on an MDM server without a queue view and a list of devices.

Each with what holds instead. All others pass there as they are.
"""

OTHERWISE: dict[str, str] = {}
