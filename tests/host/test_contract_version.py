"""A plugin says which contract it was written for; one that does not fit is broken, in one line."""

from __future__ import annotations

import pytest

from had_cli.plugin.contract import CONTRACT, mismatch


@pytest.mark.parametrize("declared", [CONTRACT, (CONTRACT[0], 0)])
def test_the_present_contract_and_those_it_grew_from_are_served(declared):
    assert mismatch(declared) is None


@pytest.mark.parametrize(
    ("declared", "line"),
    [
        ((CONTRACT[0] + 1, 0), "update had"),
        ((CONTRACT[0], CONTRACT[1] + 1), "update had"),
        ((CONTRACT[0] - 1, 9), "update the plugin"),
        ("1.0", "HAD_CONTRACT is a pair of whole numbers"),
        ((1,), "HAD_CONTRACT is a pair of whole numbers"),
        ((True, 0), "HAD_CONTRACT is a pair of whole numbers"),
    ],
)
def test_any_other_is_named_with_the_remedy(declared, line):
    why = mismatch(declared)
    assert why is not None
    assert line in why
    assert "\n" not in why
