"""`Conv` against loops in float64, its initial values, and what it refuses."""

import itertools
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lux

RNG = np.random.default_rng(0)


def conv_2d(x, weight, bias, stride, before, dilation, groups, turned):
    """The sum over the window's places, by loops."""
    batch, height, width, _ = x.shape
    kh, kw, inner, out = weight.shape
    x = np.pad(x, ((0, 0), (before, before), (before, before), (0, 0)))
    places = [
        (n + 2 * before - dilation * (k - 1) - 1) // stride + 1
        for n, k in ((height, kh), (width, kw))
    ]
    y = np.zeros((batch, *places, out)) + bias
    for i, j, o in itertools.product(range(places[0]), range(places[1]), range(out)):
        group = o // (out // groups)
        for a, b in itertools.product(range(kh), range(kw)):
            kernel = weight[kh - 1 - a, kw - 1 - b] if turned else weight[a, b]
            seen = x[:, i * stride + a * dilation, j * stride + b * dilation]
            y[:, i, j, o] += seen[:, group * inner : (group + 1) * inner] @ kernel[:, o]
    return y


@pytest.mark.parametrize(
    ("stride", "padding", "dilation", "groups", "cross_correlation"),
    [(1, 0, 1, 1, False), (2, 1, 1, 1, True), (1, 2, 2, 2, False)],
)
def test_formula(stride, padding, dilation, groups, cross_correlation):
    layer = lux.Conv(
        (3, 2), 4, 6, lux.tanh, stride=stride, padding=padding, dilation=dilation, groups=groups,
        cross_correlation=cross_correlation,
    )  # fmt: skip
    ps, st = lux.setup(0, layer)
    x = RNG.normal(size=(2, 7, 6, 4))
    y, new_st = layer(jnp.asarray(x, jnp.float32), ps, st)
    weight, bias = (np.asarray(p, np.float64) for p in ps)
    assert weight.shape == (3, 2, 4 // groups, 6)
    expected = conv_2d(x, weight, bias, stride, padding, dilation, groups, not cross_correlation)
    np.testing.assert_allclose(y, np.tanh(expected), rtol=1e-5, atol=1e-6)
    assert new_st is st


@pytest.mark.parametrize(
    ("layer", "x", "shape"),
    [
        (lux.Conv((5,), 3, 4, padding="CAUSAL"), (2, 9, 3), (2, 9, 4)),
        (lux.Conv((5,), 3, 4, padding=[(1, 3)], padding_mode="replicate"), (2, 9, 3), (2, 9, 4)),
        (lux.Conv([2, 2, 2], 1, 2, stride=(1, 2, 1)), (4, 4, 4, 1), (3, 2, 3, 2)),
        (lux.Conv((3, 3), 6, 12, groups=6, padding="SAME", stride=2), (1, 9, 9, 6), (1, 5, 5, 12)),
        (lux.Conv((3, 3), 1, 1, padding=1, padding_mode="circular"), (2, 5, 5, 1), (2, 5, 5, 1)),
    ],
)
def test_shapes(layer, x, shape):
    ps, st = lux.setup(0, layer)
    assert jax.eval_shape(lambda x: layer(x, ps, st)[0], jnp.ones(x)).shape == shape


def test_initial_values_are_uniform_within_one_over_the_root_of_the_inputs():
    ps, _ = lux.setup(0, lux.Conv((5, 5), 32, 64, groups=2))
    for array in ps:
        assert 0.95 * 0.05 < float(abs(array).max()) <= 0.05
    assert float(ps.weight.std()) == pytest.approx(0.05 / np.sqrt(3), rel=0.02)


def test_without_a_bias():
    layer = lux.Conv((2,), 1, 1, use_bias=False)
    ps, st = lux.setup(0, layer)
    assert ps._fields == ("weight",)
    assert layer(jnp.zeros((1, 4, 1)), ps, st)[0].any() == False  # noqa: E712


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (lux.Conv((3, 3), 1, 16, lux.relu), "Conv((3, 3), 1 → 16, relu)"),
        (
            lux.Conv([5], 4, 8, stride=2, padding="SAME", groups=4, use_bias=False),
            "Conv((5,), 4 → 8, stride=2, padding='SAME', groups=4, use_bias=False)",
        ),
        (
            lux.Conv((3,), 1, 1, padding=[[1, 2]], padding_mode="circular"),
            "Conv((3,), 1 → 1, padding=((1, 2),), padding_mode='circular')",
        ),
    ],
)
def test_text(layer, text: str):
    assert str(layer) == text
    assert pickle.loads(pickle.dumps(layer)) == layer


MODES = "one of 'zeros', 'circular', 'reflect', 'replicate'"
PADDING = "an integer, 2 integers or pairs (before, after), none of them negative"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"groups": 2}, "groups: expected a divisor of in_channels=3 and out_channels=4, got 2"),
        ({"groups": 3}, "groups: expected a divisor of in_channels=3 and out_channels=4, got 3"),
        ({"groups": 0}, "groups: expected an integer of at least 1, got 0"),
        (
            {"window": (3, 0)},
            "window: expected one to three integers of at least 1, one for each spatial axis, "
            "got (3, 0)",
        ),
        (
            {"window": 3},
            "window: expected one to three integers of at least 1, one for each spatial axis, "
            "got 3",
        ),
        ({"in_channels": 0}, "in_channels: expected an integer of at least 1, got 0"),
        ({"stride": 0}, "stride: expected an integer or 2 of them, each at least 1, got 0"),
        (
            {"dilation": (1, 1, 1)},
            "dilation: expected an integer or 2 of them, each at least 1, got (1, 1, 1)",
        ),
        ({"padding": -1}, f"padding: expected {PADDING}, got -1"),
        ({"padding": (1, 2, 3)}, f"padding: expected {PADDING}, got (1, 2, 3)"),
        ({"padding": ((1, 2, 3), 0)}, f"padding: expected {PADDING}, got ((1, 2, 3), 0)"),
        ({"padding": 0.5}, f"padding: expected {PADDING}, got 0.5"),
        (
            {"padding": "same"},
            "padding: expected one of 'VALID', 'SAME', 'CAUSAL' ('CAUSAL' for one spatial axis), "
            "got 'same'",
        ),
        (
            {"padding": "CAUSAL"},
            "padding: expected one of 'VALID', 'SAME', 'CAUSAL' ('CAUSAL' for one spatial axis), "
            "got 'CAUSAL'",
        ),
        ({"padding_mode": "wrap"}, f"padding_mode: expected {MODES}, got 'wrap'"),
        (
            {"window": (3,), "padding": "CAUSAL", "padding_mode": "reflect"},
            "padding_mode: expected one of 'zeros', 'replicate' with padding 'CAUSAL', "
            "got 'reflect'",
        ),
    ],
)
def test_an_impossible_layer_is_refused(options, message: str):
    arguments = {"window": (3, 3), "in_channels": 3, "out_channels": 4, **options}
    with pytest.raises(ValueError, match="expected") as caught:
        lux.Conv(**arguments)
    assert str(caught.value) == f"Conv: {message}"


def test_an_input_of_other_channels_is_refused():
    model = lux.Chain(lux.Conv((3, 3), 1, 4), lux.Conv((3, 3), 3, 4))
    ps, st = lux.setup(0, model)
    with pytest.raises(ValueError, match="expected shape") as caught:
        model(jnp.ones((2, 8, 8, 1)), ps, st)
    assert caught.value.__notes__[0].startswith("at layer_1: Conv((3, 3), 3 → 4)")
