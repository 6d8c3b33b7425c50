"""The page on copies lists what the code has on record."""

from pathlib import Path

from had_cli.bench.copies import COPIES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "guide" / "copies.md"


def test_every_copy_on_record_is_on_the_page():
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    for copy in COPIES:
        known = f"`{copy.sha256[:16]}`" if copy.sha256 else "not on record"
        anomalous = str(copy.anomalous) if copy.anomalous else ""
        assert f"| {copy.scene} | {copy.size} | {known} | {anomalous} | {copy.remark} |" in rows
