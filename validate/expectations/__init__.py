"""What a user expects in addition to tolerances: thresholds, metrics, waivers."""
