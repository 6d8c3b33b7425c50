"""One policy for single precision on CUDA: it is single precision, in convolutions and in products.

Where nobody says anything, torch lets cuDNN round the factors of a convolution to 10 bits (TF32). GRX then
looks at exactly the directions in which features hardly vary, and sees the rounding. A method that offers a
lower precision does so by a parameter and ``torch.autocast``.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

_lock = threading.Lock()
_inside = 0
_before = (True, False)


@contextlib.contextmanager
def full_float32() -> Iterator[None]:
    """Keep TF32 away from convolutions and products; cuDNN stays in use.

    The setting is one of the process, and several threads may be inside at a time: the first one in sets it,
    the last one out puts back what was there. (``torch.backends.cudnn.flags`` does neither, and turns cuDNN
    off where it is not told to leave it on.)
    """
    import torch

    global _inside, _before  # noqa: PLW0603 - what it counts is the process's as well
    convolutions, products = torch.backends.cudnn, torch.backends.cuda.matmul
    with _lock:
        if not _inside:
            _before = convolutions.allow_tf32, products.allow_tf32
            convolutions.allow_tf32 = products.allow_tf32 = False
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                convolutions.allow_tf32, products.allow_tf32 = _before
