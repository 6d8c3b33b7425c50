"""Helpers of these tests are imported by their names, those of FERD's tests as well."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "ferd")]
