"""Distributions that only a test sees."""

from distributions import site

__all__ = ["site"]
