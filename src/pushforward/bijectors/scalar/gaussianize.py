"""Gaussianize: from a mixture of logistic laws to the standard normal law."""

from typing import ClassVar, Literal

import equinox as eqx
from jaxtyping import Array

from ...numerics.probits import logistic_of_normal, normal_of_logistic
from .base import ScalarMap, check_count
from .sigmoids import MixtureOfLogistics


class Gaussianize(ScalarMap):
    """y = Phi^-1(F(x)), with F a mixture of logistic laws that is scaled and shifted: normal if x has the law F.

    It is a `MixtureOfLogistics`, logit F(x), and then the map from the logistic to the normal law.
    At parameters zero it is no identity: it takes nearly a standard logistic law to the standard normal one.

    Args:
        components: how many logistic laws are mixed.

    Raises:
        ConfigError: if components is no whole number from 1 to 256.

    The inverse is a search; see `numerics.roots.increasing_root`.

    Reference: Meng et al. 2020, Gaussianization Flows, arXiv:2003.01941, section 3.2.
    """

    elementwise: ClassVar[bool] = True
    cheap: ClassVar[Literal["both", "forward"]] = "forward"

    components: int = eqx.field(static=True, default=8)

    def __check_init__(self) -> None:
        check_count("Gaussianize", "components", self.components, 1, 256)

    @property
    def num_params(self) -> int:
        """3 * components + 2, those of `MixtureOfLogistics`."""
        return self._mixture.num_params

    def forward(self, params: Array, x: Array) -> tuple[Array, Array]:
        """Apply the mixture's distribution function and the normal quantile; see `ScalarMap`."""
        u, log_dudx = self._mixture.forward(params, x)
        y, log_dydu = normal_of_logistic(u)
        return y, log_dudx + log_dydu

    def inverse(self, params: Array, y: Array) -> tuple[Array, Array]:
        """Apply the normal distribution function, then search; see `ScalarMap`."""
        u, log_dudy = logistic_of_normal(y)
        x, log_dxdu = self._mixture.inverse(params, u)
        return x, log_dudy + log_dxdu

    @property
    def _mixture(self) -> MixtureOfLogistics:
        return MixtureOfLogistics(self.components)
