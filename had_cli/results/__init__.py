"""What comes of a score map: figures of merit, thresholds, places and pictures."""
