"""What a user expects beside tolerances: thresholds, metrics, waivers."""
