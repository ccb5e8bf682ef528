"""FlowClassifier: class-conditional densities and Bayes' rule."""

from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d, validate_data

from ..errors import ConfigError
from .base import FLOATS, FlowEstimator, choose_held_out, draw_seed, in_chunks
from .columns import Columns

_PRIOR_ROWS = 5
"""How many rows' worth the spread of all classes has in that of each: small classes borrow it."""


class FlowClassifier(ClassifierMixin, FlowEstimator):
    """Bayes' rule on the densities of the classes: p(class | x) is proportional to prior * p(x | class).

    One flow serves all classes: rows are centred and scaled by their class (median, and half of the central 68 %, the
    latter shrunk towards that of all classes), and the flow of what remains takes the class as its context. So small
    classes share what the classes have in common.

    Args:
        priors: probabilities of the classes in the order of `classes_`, shape (classes,), or None for their shares of
            the rows given to `fit`.
        flow, options, max_epochs, max_seconds, batch_size, validation, patience, random_state, verbose: see
            `FlowEstimator`; `validation` is the share of the rows of every class.

    Attributes:
        classes_: the labels, sorted, shape (classes,).
        priors_: their probabilities.
        centres_, scales_: of the modelled columns in each class, shape (classes, k).
        flow_, columns_, history_, notes_, n_iter_, n_features_in_, feature_names_in_: as in `FlowDensity`; `flow_` is
            that of the centred and scaled rows, its context the class as 0 and 1 for each class but the first.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **FlowEstimator._parameter_constraints,
        "priors": ["array-like", None],
    }

    def __init__(
        self,
        *,
        priors: Any = None,
        flow: str = "auto",
        options: dict[str, Any] | None = None,
        max_epochs: int | None = None,
        max_seconds: float | None = None,
        batch_size: int | None = None,
        validation: float = 0.1,
        patience: float | None = None,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        super().__init__(
            flow=flow,
            options=options,
            max_epochs=max_epochs,
            max_seconds=max_seconds,
            batch_size=batch_size,
            validation=validation,
            patience=patience,
            random_state=random_state,
            verbose=verbose,
        )
        self.priors = priors

    def fit(self, X: Any, y: Any) -> "FlowClassifier":
        """Fit to rows X, shape (n, columns), and labels y of any kind, shape (n,), of at least two classes."""
        self._validate_params()
        checked: Any = validate_data(self, X, y, dtype=FLOATS, ensure_min_samples=2)
        rows, labels = checked
        labels = column_or_1d(labels, warn=True)
        check_classification_targets(labels)
        self.classes_, which = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ConfigError(
                f"FlowClassifier: expected at least 2 classes in y, got 1 class: {self.classes_[0]!r}."
            )
        self.priors_ = _priors(self.priors, which, len(self.classes_))
        seed = draw_seed(self.random_state)
        random = np.random.default_rng(seed)
        self.columns_ = Columns.learn("FlowClassifier", rows.astype(np.float64))
        modelled = self.columns_.blur(self.columns_.reduce(rows)[0], random)
        held_out = choose_held_out(which, self.validation, random)
        self.centres_, self.scales_ = _standards(modelled[~held_out], which[~held_out], len(self.classes_))
        scaled = (modelled - self.centres_[which]) / self.scales_[which]
        self._fit_flow(scaled, self._contexts(which), held_out, seed)
        return self

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Return the log-probabilities of the classes, shape (n, classes)."""
        rows = self._checked(X)
        rows, possible = self.columns_.reduce(rows)
        # A row that no class can give says nothing about its class: it is left with the priors.
        densities = np.stack(
            [self._class_density(rows, place) for place in range(len(self.classes_))], axis=1
        )
        with np.errstate(divide="ignore"):
            joint = np.where(possible[:, None], densities, 0) + np.log(self.priors_)
        joint -= joint.max(axis=1, keepdims=True)
        return joint - np.log(np.exp(joint).sum(axis=1, keepdims=True))

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probabilities of the classes, shape (n, classes), in the order of `classes_`."""
        return np.exp(self.predict_log_proba(X))

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable label of every row, shape (n,)."""
        log_proba = self.predict_log_proba(X)  # first: it checks that the classifier was fitted
        return self.classes_[np.argmax(log_proba, axis=1)]

    def _class_density(self, rows: np.ndarray, place: int) -> np.ndarray:
        """Return log p(x | class) of modelled columns, shape (n,), in nats."""
        scaled = (rows - self.centres_[place]) / self.scales_[place]
        contexts = self._contexts(np.full(len(rows), place))
        # u = (x - centre) / scale, so log p(x) = log p(u) - sum of log scales; scales are positive.
        return in_chunks(self.flow_.log_prob, scaled, contexts) - np.log(self.scales_[place]).sum()

    def _contexts(self, which: np.ndarray) -> np.ndarray:
        return np.eye(len(self.classes_))[which, 1:]


def _priors(given: Any, which: np.ndarray, classes: int) -> np.ndarray:
    if given is None:
        return np.bincount(which, minlength=classes) / len(which)
    priors = np.asarray(given, np.float64)
    if priors.shape != (classes,) or not (priors >= 0).all() or not np.isclose(priors.sum(), 1):
        raise ConfigError(
            f"FlowClassifier: expected priors of {classes} classes, at least 0 and with sum 1, got {given!r}."
        )
    return priors / priors.sum()


def _standards(rows: np.ndarray, which: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a centre and a positive scale for each column in each class, shape (classes, k) each.

    The variance of a class of m rows is (m * its own + 5 * that of all rows about their centres) / (m + 5).
    """
    groups = [rows[which == group] for group in range(classes)]
    centres = np.stack([np.median(group, axis=0) for group in groups])
    spread = np.stack([_spread(group - centre) for group, centre in zip(groups, centres, strict=True)])
    shared = _spread(rows - centres[which])
    # Where rows do not differ within any class their differences between classes give the unit.
    shared = np.where(shared > 0, shared, rows.std(axis=0))
    sizes = np.array([len(group) for group in groups])[:, None]
    return centres, np.sqrt((sizes * spread**2 + _PRIOR_ROWS * shared**2) / (sizes + _PRIOR_ROWS))


def _spread(rows: np.ndarray) -> np.ndarray:
    """Return half of the width of the central 68 % of each column; the standard deviation where that is 0."""
    low, high = np.quantile(rows, [0.16, 0.84], axis=0)
    return np.where(high > low, (high - low) / 2, rows.std(axis=0))
