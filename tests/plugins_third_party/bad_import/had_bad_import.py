"""Fails while it is imported, as a plugin does whose dependency was removed."""

import a_package_that_nobody_has  # noqa: F401

print("never reached")  # noqa: T201
