"""An equal mixture of autoregressive laws that share the weights of one network, under different masks."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, PRNGKeyArray

from ..errors import ConfigError
from ..nets import MADE, draw_masks, remasked
from ..nets.members import Masks, nth
from .autoregressive import AutoregressiveLaw, net_dtype
from .conditional.base import ConditionalLaw
from .keyed import Keyed


class AutoregressiveEnsemble(Keyed):
    """log p(x) = log(mean of p_m(x) over M members): order- and connectivity-agnostic MADE.

    Every member is an `AutoregressiveLaw` whose net has the same weights under other masks: another order of the
    elements, another deal of the degrees to the hidden units. A step of training with a key draws ONE member for all
    its rows, so it costs what a single network costs and compiles once, for the masks follow from integers on the
    device; its loss is above the ensemble's in expectation, as -log is convex. Without a key the density is that of the
    whole mixture, exact and normalised.

    What it costs: `log_prob` M passes, one after the other in one pass's memory; `sample` M passes, for every row of
    a batch is drawn from every member and one draw kept, which is cheaper than a network of its own for each row;
    `sample_and_log_prob` 2 M passes.

    Args:
        key: for the members' masks.
        law: the conditional law of an element.
        net: the network whose weights all share.
        context_shape: shape of the context that the net takes, or None.
        members: how many, M.
        order: whether the members differ in the order of the elements.
        connectivity: whether they differ in the degrees of the hidden units.
        fresh: whether a step of training draws new masks, rather than one of the M members. The paper found a list
            that is gone through again and again to be better, if it is long enough.

    Raises:
        ConfigError: if the net gives another number of parameters than the law takes, there is no member, or the
            members would not differ.

    Gradients: finite where the members' are. Draws of continuous laws are reparametrised: the choice of a member does
        not depend on the parameters.
    Reference: Germain et al. 2015, MADE, arXiv:1502.03509, sections 4.1 and 4.2, algorithm 1.
    """

    law: ConditionalLaw
    net: MADE
    masks: Masks
    members: int = eqx.field(static=True)
    order: bool = eqx.field(static=True)
    connectivity: bool = eqx.field(static=True)
    fresh: bool = eqx.field(static=True)
    context_shape: tuple[int, ...] | None = eqx.field(static=True)

    def __init__(
        self,
        key: PRNGKeyArray,
        law: ConditionalLaw,
        net: MADE,
        context_shape: tuple[int, ...] | None = None,
        *,
        members: int = 8,
        order: bool = True,
        connectivity: bool = True,
        fresh: bool = False,
    ) -> None:
        if type(members) is not int or members < 1:
            raise ConfigError(
                f"AutoregressiveEnsemble: expected members to be a whole number of at least 1, got {members!r}."
            )
        if not order and not connectivity:
            raise ConfigError(
                "AutoregressiveEnsemble: expected members that differ, got order=False and connectivity=False. "
                "Use AutoregressiveLaw for a single network."
            )
        AutoregressiveLaw(law, net, context_shape)  # raises if the two do not fit
        self.law = law
        self.net = net
        self.members = members
        self.order = order
        self.connectivity = connectivity
        self.fresh = fresh
        self.context_shape = context_shape
        self.masks = jax.vmap(self._draw_masks)(jr.split(key, members))

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of one event: (features,)."""
        return (self.net.features,)

    def member(self, index: Array | int) -> AutoregressiveLaw:
        """Return one of the laws of the mixture.

        Args:
            index: 0 to members - 1; it may be traced.
        """
        return self._under(nth(self.masks, index))

    def _log_prob(self, x: Array, context: Array | None, key: PRNGKeyArray | None = None) -> Array:
        def one(masks: Masks) -> Array:
            return self._under(masks)._log_prob(x, context, key)

        log_probs = jax.lax.map(one, self.masks)
        # Members agree on which events are impossible. There logsumexp is -inf as well, but its gradient NaN.
        possible = jnp.any(log_probs > -jnp.inf)
        mean = jax.nn.logsumexp(jnp.where(possible, log_probs, 0.0)) - math.log(self.members)
        mixed = jnp.where(possible, mean, -jnp.inf)
        return jnp.where(jnp.any(jnp.isnan(log_probs)), jnp.nan, mixed)

    def _for_step(self, key: PRNGKeyArray) -> AutoregressiveLaw:
        if self.fresh:
            return self._under(self._draw_masks(key))
        return self.member(jr.randint(key, (), 0, self.members))

    def _sample_and_log_prob(self, key: PRNGKeyArray, context: Array | None) -> tuple[Array, Array]:
        of_member, of_noise = jr.split(key)
        member = jr.randint(of_member, (), 0, self.members)
        noise = self.law.noise(of_noise, self.event_shape, net_dtype(self.net))

        def keep(kept: Array, turn: tuple[Array, Masks]) -> tuple[Array, None]:
            index, masks = turn
            x = self._under(masks)._from_noise(noise, context)[0]
            return jnp.where(index == member, x, kept), None

        start = jnp.zeros(self.event_shape, noise.dtype)
        x, _ = jax.lax.scan(keep, start, (jnp.arange(self.members), self.masks))
        return x, self._log_prob(x, context)

    def _draw_masks(self, key: PRNGKeyArray) -> Masks:
        return draw_masks(key, self.net, order=self.order, connectivity=self.connectivity)

    def _under(self, masks: Masks) -> AutoregressiveLaw:
        return AutoregressiveLaw(self.law, remasked(self.net, masks), self.context_shape)
