"""Real files by other software: each is opened as GDAL and spectral open it, or refused for a good reason."""

from __future__ import annotations

import pytest
from collection import judged


@pytest.mark.parametrize("folder", ["formats", "backgrounds"])
def test_no_file_is_taken_for_what_it_is_not(shared, tmp_path, folder, record_property):
    if not (shared / folder).is_dir():
        pytest.skip(f"needs ../shared/{folder}")
    verdicts = list(judged(shared / folder, tmp_path))
    wrong = [f"{v.name}: {v.ours} ({v.wrong}; a peer: {v.peer})" for v in verdicts if v.wrong]
    accepted = sum(v.accepted for v in verdicts)
    table = {"accepted": accepted, "refused": len(verdicts) - accepted - len(wrong), "wrong": len(wrong)}
    record_property("table", str(table))
    assert not wrong, "\n".join(wrong)
    assert accepted > len(verdicts) // 2, table
