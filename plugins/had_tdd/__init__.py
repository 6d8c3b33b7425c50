"""TDD, a segmentation network trained on simulated anomalies, as a plugin of ``had``."""
