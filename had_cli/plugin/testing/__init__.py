"""The pytest kit that every method must pass.

Plugin authors import it into their own tests::

    from had_cli.plugin.testing import MethodContract

    class TestMean(MethodContract):
        method = "mean"

It needs pytest, and the plugin installed (``pip install -e .`` will do).
"""

import pytest

# so that a failing assertion shows its values in the author's own test run
for _module in ("contract", "engines"):
    pytest.register_assert_rewrite(f"had_cli.plugin.testing.{_module}")

from had_cli.plugin.testing.contract import MethodContract  # noqa: E402
from had_cli.plugin.testing.scenes import example_cube, example_scene  # noqa: E402

__all__ = ["MethodContract", "example_cube", "example_scene"]
