"""Moving values between host memory and the device of an array."""

from __future__ import annotations

from typing import Any

import array_api_compat
import numpy as np
import numpy.typing as npt


def device_of(array: Any) -> Any:
    """Return where an array of any namespace lies, as its namespace names it."""
    return array_api_compat.device(array)


def like(array: Any, values: npt.NDArray[Any], xp: Any) -> Any:
    """Return ``values`` as an array of ``xp`` on the device of ``array``, in their own dtype."""
    return xp.asarray(values, device=device_of(array))


def to_host(array: Any) -> npt.NDArray[Any]:
    """Return an array of any namespace as numpy's, in host memory."""
    return np.asarray(array.cpu() if hasattr(array, "cpu") else array)
