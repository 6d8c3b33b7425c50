"""The command line in an empty folder, and what every product must pass."""

from command_line import had

__all__ = ["had"]
