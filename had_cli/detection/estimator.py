"""A detector as scikit-learn has them: ``HadDetector(method).fit(X).score_samples(X)``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from had_cli.detection.detect import detect

try:
    from sklearn.base import BaseEstimator, OutlierMixin
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:
    raise ImportError(
        'HadDetector needs scikit-learn 1.6 or newer; install it with: pip install "had[sklearn]"'
    ) from error

Scores = npt.NDArray[np.float64]


# scikit-learn has no types
class HadDetector(OutlierMixin, BaseEstimator):  # type: ignore[misc]
    """Any method of ``had``, with scikit-learn's words and signs.

    ``X`` is pixels x bands, as everywhere in scikit-learn, or rows x cols x bands. Pixels in a list have no
    neighbours: give a cube to a method that looks at surroundings. A pixel with a value that is not finite is
    invalid, and its score NaN.

    An anomaly detector judges a scene by the scene: its own pixels are the background. So ``fit`` finds the
    threshold, and :meth:`score_samples` of another ``X`` judges that one by itself; this is as with
    ``sklearn.neighbors.LocalOutlierFactor``, and the reason why scores of a part of ``X`` are not a part of
    the scores of ``X``.

    Parameters
    ----------
    method
        A method's name (``had plugins`` lists them); ``params`` are its parameters.
    contamination
        Share of pixels, over 0 and up to 0.5, that :meth:`predict` calls anomalous among those fitted.
    weights, device, seed, keep_constant_bands
        As for :func:`had_cli.detect`.

    Attributes
    ----------
    scores_ : scores of what was fitted, float32, higher where more anomalous, as ``had`` has them
    offset_ : threshold of :meth:`decision_function`, of the sign of :meth:`score_samples`
    n_features_in_ : bands

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(500, 8)); X[7] += 9
    >>> int(HadDetector("grx").fit(X).score_samples(X).argmin())
    7
    """

    def __init__(
        self,
        method: str = "grx",
        *,
        params: Mapping[str, Any] | None = None,
        contamination: float = 0.1,
        weights: str | Path | None = None,
        device: str = "auto",
        seed: int = 0,
        keep_constant_bands: bool = False,
    ) -> None:
        self.method = method
        self.params = params
        self.contamination = contamination
        self.weights = weights
        self.device = device
        self.seed = seed
        self.keep_constant_bands = keep_constant_bands

    def fit(self, X: npt.ArrayLike, y: Any = None) -> Self:  # noqa: N803, ARG002 - scikit-learn's signature
        """Score ``X`` and take the threshold that leaves ``contamination`` of its pixels beyond.

        Raises
        ------
        ValueError
            When ``X`` is no array of pixels, or the contamination no share.
        HadError
            When the method cannot work on ``X``: one line says why.
        """
        if not 0 < self.contamination <= 0.5:
            raise ValueError(f"contamination is over 0 and up to 0.5, not {self.contamination!r}")
        self.scores_ = self._detected(X, reset=True)
        self.offset_ = float(np.nanpercentile(-self.scores_, 100 * self.contamination))
        return self

    def score_samples(self, X: npt.ArrayLike) -> Scores:  # noqa: N803
        """Return minus the method's scores: lower where more anomalous, as scikit-learn has it.

        (pixels,) or rows x cols float64, NaN at invalid pixels.
        """
        check_is_fitted(self)
        return -self._detected(X, reset=False).astype(np.float64)

    def decision_function(self, X: npt.ArrayLike) -> Scores:  # noqa: N803
        """Return :meth:`score_samples` less ``offset_``: negative where anomalous."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[np.int_]:  # noqa: N803
        """Return -1 where anomalous and 1 elsewhere, at invalid pixels too."""
        return np.where(self.decision_function(X) < 0, -1, 1)

    def _detected(self, X: npt.ArrayLike, *, reset: bool) -> npt.NDArray[np.float32]:  # noqa: N803
        array = self._validated(X, reset=reset)
        cube = array if array.ndim == 3 else array[:, None, :]
        found = detect(
            cube,
            self.method,
            weights=self.weights,
            device=self.device,
            seed=self.seed,
            keep_constant_bands=self.keep_constant_bands,
            **dict(self.params or {}),
        ).scores
        return found if array.ndim == 3 else found[:, 0]

    def _validated(self, X: npt.ArrayLike, *, reset: bool) -> npt.NDArray[Any]:  # noqa: N803
        """Return ``X`` as 2-D or 3-D real numbers, with as many bands as were fitted."""
        given = np.asarray(X)
        if given.ndim == 3:
            flat = validate_data(
                self, given.reshape(-1, given.shape[2]), reset=reset, ensure_all_finite=False, dtype="numeric"
            )
            cube: npt.NDArray[Any] = flat.reshape(given.shape)
            return cube
        checked: npt.NDArray[Any] = validate_data(
            self, X, reset=reset, ensure_all_finite=False, dtype="numeric", ensure_min_samples=2
        )
        return checked

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        return tags
