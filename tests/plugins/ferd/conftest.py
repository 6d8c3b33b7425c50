"""Helpers of these tests are imported by their names; one thread is enough for small networks."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
