"""Every kernel under every transformation: a table of operations × properties.

A row is a function of `(x, parameters)` that is smooth at the points it is tested at. Derivatives
are held to central differences in float64 of the function itself, whose values the other files
hold to references; each transformation is held to the plain call or to a loop over it.
"""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P
from transform_rows import ALWAYS, TABLE
from transform_rows.points import normal

import luxlib

every = pytest.mark.parametrize(
    "name", [n if n in ALWAYS else pytest.param(n, marks=pytest.mark.slow) for n in TABLE]
)


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def row(name):
    f, x, w = TABLE[name]
    return f, jnp.asarray(x), jnp.asarray(w)


def loss_of(f):
    """A scalar function of both arguments, in which no derivative vanishes by symmetry."""

    def loss(x, w):
        y = f(x, w)
        weights = jnp.cos(jnp.arange(y.size, dtype=y.dtype)).reshape(y.shape)
        return (weights * jnp.sin(y)).sum() + (y**3).sum() / 3

    return loss


def directions(x, w, seed=5):
    return jnp.asarray(normal(seed, *x.shape)), jnp.asarray(normal(seed + 1, *w.shape))


def differences(f, x, w, s, t, step=1e-5):
    """The derivative of `f` in the direction `(s, t)`."""
    after, before = f(x + step * s, w + step * t), f(x - step * s, w - step * t)
    return jax.tree.map(lambda a, b: (a - b) / (2 * step), after, before)


def close(a, b, tolerance=1e-12):
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance), a, b
    )


@every
def test_grad_and_jvp(name):
    f, x, w = row(name)
    loss, (s, t) = loss_of(f), directions(*row(name)[1:])

    @jax.jit
    def derivatives(x, w):
        x_bar, w_bar = jax.grad(loss, (0, 1))(x, w)
        return (x_bar * s).sum() + (w_bar * t).sum(), jax.jvp(loss, (x, w), (s, t))[1]

    reverse, forward = derivatives(x, w)
    expected = differences(jax.jit(loss), x, w, s, t)
    close(reverse, expected, 1e-6)
    close(forward, expected, 1e-6)


@every
def test_hessian_forward_over_reverse_and_reverse_over_reverse(name):
    f, x, w = row(name)
    gradient, (s, t) = jax.grad(loss_of(f), (0, 1)), directions(x, w)

    def slope(x, w):
        return sum((g * d).sum() for g, d in zip(gradient(x, w), (s, t), strict=True))

    @jax.jit
    def products(x, w):
        """The product of the Hessian with the direction, in three ways."""
        hessian = jax.hessian(loss_of(f), (0, 1))(x, w)
        return (
            jax.jvp(gradient, (x, w), (s, t))[1],
            jax.grad(slope, (0, 1))(x, w),
            tuple(
                jnp.tensordot(by_x, s, s.ndim) + jnp.tensordot(by_w, t, t.ndim)
                for by_x, by_w in hessian
            ),
        )

    forward, reverse, whole = products(x, w)
    close(forward, differences(jax.jit(gradient), x, w, s, t), 1e-5)
    close(reverse, forward)
    close(whole, forward)


@cache
def plain(name):
    """Value and gradients of the loss, compiled once."""
    return jax.jit(jax.value_and_grad(loss_of(TABLE[name][0]), (0, 1)))


def stack(results):
    return jax.tree.map(lambda *a: jnp.stack(a), *results)


@every
def test_vmap_over_inputs_and_over_parameters(name):
    f, x, w = row(name)
    xs, ws = jnp.stack([x, x[..., ::-1] * 0.5]), jnp.stack([w, -w])
    both = jax.value_and_grad(loss_of(f), (0, 1))

    @jax.jit
    def mapped(xs, ws):
        last = jnp.moveaxis(xs, 0, -1), jnp.moveaxis(ws, 0, -1)
        return (
            jax.vmap(jax.vmap(both, (None, 0)), (0, None))(xs, ws),
            jax.vmap(both)(xs, ws),
            jax.vmap(f, (-1, None), -1)(last[0], w),
            jax.vmap(f, (None, -1), -1)(x, last[1]),
        )

    each, together, inputs, parameters = mapped(xs, ws)
    alone = [[plain(name)(x, w) for w in ws] for x in xs]
    close(each, stack([stack(results) for results in alone]))
    close(together, stack([alone[0][0], alone[1][1]]))
    close(inputs, jnp.stack([f(x, w) for x in xs], -1))
    close(parameters, jnp.stack([f(x, w) for w in ws], -1))


@every
def test_scan_and_checkpoint(name):
    f, x, w = row(name)
    loss, steps = loss_of(f), (1.0, 0.5, -0.25)

    def scanned(x, w):
        def body(total, step):
            return total + loss(step * x, w), None

        return jax.lax.scan(body, jnp.zeros(()), jnp.array(steps))[0]

    policies = (None, jax.checkpoint_policies.dots_saveable, luxlib.products_saveable)

    @jax.jit
    def results(x, w):
        functions = (scanned, *(jax.checkpoint(loss, policy=policy) for policy in policies))
        return [jax.value_and_grad(g, (0, 1))(x, w) for g in functions]

    in_scan, *checkpointed = results(x, w)
    values, (x_bars, w_bars) = stack([plain(name)(step * x, w) for step in steps])
    in_line = (values.sum(), (jnp.tensordot(jnp.array(steps), x_bars, 1), w_bars.sum(0)))
    close(in_scan, in_line)
    for result in checkpointed:
        close(result, plain(name)(x, w))


@every
def test_sharded_inputs_and_grad_inside_shard_map(name):
    """Examples on two devices, parameters on both."""
    f, x, w = row(name)
    loss, xs = loss_of(f), jnp.stack([x, -0.5 * x])
    mesh = jax.make_mesh((2,), ("device",), axis_types=(AxisType.Auto,))
    shared = jax.device_put(xs, NamedSharding(mesh, P("device")))

    def total(xs, w):
        return jax.vmap(loss, (0, None))(xs, w).sum()

    def on_each(xs, w):
        """The gradient for the parameters, which all have, is the sum over the devices."""
        x_bar, w_bar = jax.grad(lambda x, w: loss(x[0], w), (0, 1))(xs, w)
        return x_bar, w_bar

    specs = (P("device"), P())
    manual = jax.shard_map(on_each, mesh=mesh, in_specs=specs, out_specs=specs)
    x_bars, w_bars = stack([plain(name)(x, w)[1] for x in xs])
    expected = (x_bars, w_bars.sum(0))
    close(jax.jit(jax.grad(total, (0, 1)))(shared, w), expected)
    close(jax.jit(manual)(shared, w), expected)


@every
def test_eager_is_jitted_and_has_its_abstract_shape(name):
    f, x, w = row(name)
    y = f(x, w)
    close(y, jax.jit(f)(x, w))
    abstract = jax.eval_shape(f, x, w)
    assert (abstract.shape, abstract.dtype) == (y.shape, y.dtype)


@every
@pytest.mark.parametrize("dtype", ["bfloat16", pytest.param("float16", marks=pytest.mark.slow)])
def test_half_precision(name, dtype):
    """Gradients in half precision, and the second order under vmap, near those in float32."""
    f, x, w = row(name)
    s, t = directions(x, w)

    def derivatives(x, w, s, t):
        gradient = jax.grad(lambda x, w: (f(x, w).astype("float32") ** 2).sum(), (0, 1))
        return jax.jvp(gradient, (x, w), (s, t))

    half = [a.astype(dtype)[None] for a in (x, w, s, t)]
    single = [a.astype("float32") for a in half]
    results = jax.jit(jax.vmap(derivatives))(*half)
    for bar, expected in zip(
        jax.tree.leaves(results),
        jax.tree.leaves(jax.jit(jax.vmap(derivatives))(*single)),
        strict=True,
    ):
        assert bar.dtype == dtype
        scale = float(jnp.abs(expected).max()) + 1
        close(
            bar.astype("float32") / scale, expected / scale, 0.05 if dtype == "bfloat16" else 0.01
        )
