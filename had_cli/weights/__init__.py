"""Weights: their file, their names, and whether they are sound.

``file``, ``models`` and ``chosen`` lie below detection. ``probe``, ``verification``, ``bundling`` and
``importing`` lie above it: they detect with weights.
"""
