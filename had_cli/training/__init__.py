"""Training: from scenes to a weights file, by a method's own ``train``."""
