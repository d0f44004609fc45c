"""What the bridge tells of itself: why, when, how everything stands, what to mend."""
