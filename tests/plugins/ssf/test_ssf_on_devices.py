"""The block maps have one text for numpy and for torch; ranks and the opening run on the host."""

from __future__ import annotations

import numpy as np
import pytest
from ssf_runs import maps_of, textured, with_holes


def test_torch_and_numpy_agree():
    pytest.importorskip("torch")
    scene, _ = with_holes(textured(50, 47))
    # a device of torch's, whatever this machine has
    np.testing.assert_allclose(maps_of(scene, device="cpu:0"), maps_of(scene), rtol=1e-5)
