"""`ConvTranspose` against loops in float64, its initial values, and what it refuses."""

import itertools
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lux

RNG = np.random.default_rng(0)


def conv_transpose_2d(x, weight, bias, stride, cut, added, dilation, groups, turned):
    """Each element, times the kernel, added where it belongs; then both ends are cut off."""
    batch, height, width, _ = x.shape
    kh, kw, inner, out = weight.shape
    each = out // groups
    sizes = [
        (n - 1) * stride + dilation * (k - 1) + 1 + added for n, k in ((height, kh), (width, kw))
    ]
    y = np.zeros((batch, *sizes, out))
    for i, j, a, b in itertools.product(range(height), range(width), range(kh), range(kw)):
        kernel = weight[kh - 1 - a, kw - 1 - b] if turned else weight[a, b]
        for g in range(groups):
            seen = x[:, i, j, g * inner : (g + 1) * inner]
            part = slice(g * each, (g + 1) * each)
            y[:, i * stride + a * dilation, j * stride + b * dilation, part] += (
                seen @ kernel[:, part]
            )
    return y[:, cut : sizes[0] - cut, cut : sizes[1] - cut] + bias


@pytest.mark.parametrize(
    ("stride", "padding", "output_padding", "dilation", "groups", "cross_correlation"),
    [
        (1, 0, 0, 1, 1, False),
        (2, 1, 1, 1, 1, True),
        (2, 0, 0, 2, 2, False),
        (3, 1, 2, 1, 4, False),
    ],
)
def test_formula(stride, padding, output_padding, dilation, groups, cross_correlation):
    layer = lux.ConvTranspose(
        (3, 2), 4, 8, lux.tanh, stride=stride, padding=padding, output_padding=output_padding,
        dilation=dilation, groups=groups, cross_correlation=cross_correlation,
    )  # fmt: skip
    ps, st = lux.setup(0, layer)
    x = RNG.normal(size=(2, 3, 4, 4))
    y, new_st = layer(jnp.asarray(x, jnp.float32), ps, st)
    weight, bias = (np.asarray(p, np.float64) for p in ps)
    assert weight.shape == (3, 2, 4 // groups, 8)
    expected = conv_transpose_2d(
        x, weight, bias, stride, padding, output_padding, dilation, groups, not cross_correlation
    )
    np.testing.assert_allclose(y, np.tanh(expected), rtol=1e-5, atol=1e-6)
    assert new_st is st


@pytest.mark.parametrize(
    ("layer", "x", "shape"),
    [
        (lux.ConvTranspose((4, 4), 3, 2, stride=2, padding=1), (5, 7, 6, 3), (5, 14, 12, 2)),
        (lux.ConvTranspose((5,), 3, 2, stride=3, padding="SAME"), (2, 4, 3), (2, 12, 2)),
        (lux.ConvTranspose((5,), 3, 2, stride=3, padding="VALID"), (4, 3), (14, 2)),
        (lux.ConvTranspose((3,), 3, 2, padding=[(0, 2)], output_padding=(0,)), (4, 3), (4, 2)),
        (
            lux.ConvTranspose([2, 2, 2], 1, 2, stride=(1, 2, 1), output_padding=(0, 1, 0)),
            (3, 3, 3, 1),
            (4, 7, 4, 2),
        ),
    ],
)
def test_shapes(layer, x, shape):
    ps, st = lux.setup(0, layer)
    assert jax.eval_shape(lambda x: layer(x, ps, st)[0], jnp.ones(x)).shape == shape


def test_initial_values_are_uniform_within_one_over_the_root_of_the_outputs():
    ps, _ = lux.setup(0, lux.ConvTranspose((5, 5), 64, 32, groups=2))
    for array in ps:
        assert 0.9 * 0.05 < float(abs(array).max()) <= 0.05
    assert float(ps.weight.std()) == pytest.approx(0.05 / np.sqrt(3), rel=0.02)


def test_initializers_are_called_with_their_shapes():
    layer = lux.ConvTranspose(
        (2,), 4, 6, groups=2, init_weight=lux.initializers.ones, init_bias=lux.initializers.zeros
    )
    ps, _ = lux.setup(0, layer)
    assert (ps.weight == jnp.ones((2, 2, 6))).all()
    assert (ps.bias == jnp.zeros(6)).all()


def test_without_a_bias():
    layer = lux.ConvTranspose((2,), 1, 1, use_bias=False)
    ps, st = lux.setup(0, layer)
    assert ps._fields == ("weight",)
    assert not layer(jnp.zeros((1, 4, 1)), ps, st)[0].any()


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (lux.ConvTranspose((3, 3), 1, 16, lux.relu), "ConvTranspose((3, 3), 1 → 16, relu)"),
        (
            lux.ConvTranspose([5], 4, 8, stride=2, padding="SAME", output_padding=[1], groups=4),
            "ConvTranspose((5,), 4 → 8, stride=2, padding='SAME', output_padding=(1,), groups=4)",
        ),
    ],
)
def test_text(layer, text: str):
    assert str(layer) == text
    assert pickle.loads(pickle.dumps(layer)) == layer


ADDED = "output_padding: expected less than the larger of stride and dilation"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"groups": 2}, "groups: expected a divisor of in_channels=3 and out_channels=4, got 2"),
        (
            {"window": (3, 0)},
            "window: expected one to three integers of at least 1, one for each spatial axis, "
            "got (3, 0)",
        ),
        ({"out_channels": 0}, "out_channels: expected an integer of at least 1, got 0"),
        ({"stride": 0}, "stride: expected an integer or 2 of them, each at least 1, got 0"),
        (
            {"dilation": (1,)},
            "dilation: expected an integer or 2 of them, each at least 1, got (1,)",
        ),
        (
            {"output_padding": -1},
            "output_padding: expected an integer or 2 of them, each at least 0, got -1",
        ),
        ({"output_padding": 1}, f"{ADDED}, got 1"),
        ({"output_padding": (2, 2), "stride": 3, "dilation": (1, 1)}, None),
        ({"output_padding": (1, 2), "stride": (2, 1), "dilation": (1, 2)}, f"{ADDED}, got (1, 2)"),
        ({"output_padding": (1, 1), "stride": (2, 1), "dilation": (1, 2)}, None),
        (
            {"padding": "CAUSAL"},
            "padding: expected one of 'VALID', 'SAME', got 'CAUSAL'",
        ),
        (
            {"padding": -1},
            "padding: expected an integer, 2 integers or pairs (before, after), none of them "
            "negative, got -1",
        ),
        ({"activation": 3}, "activation: expected a function, got 3"),
    ],
)
def test_an_impossible_layer_is_refused(options, message):
    arguments = {"window": (3, 3), "in_channels": 3, "out_channels": 4, **options}
    if message is None:
        lux.ConvTranspose(**arguments)
        return
    with pytest.raises((ValueError, TypeError), match="expected") as caught:
        lux.ConvTranspose(**arguments)
    assert str(caught.value) == f"ConvTranspose: {message}"


def test_what_does_not_fit_is_refused():
    layer = lux.ConvTranspose((3, 3), 3, 4)
    ps, st = lux.setup(0, layer)
    with pytest.raises(ValueError, match="expected shape") as caught:
        layer(jnp.ones((2, 8, 8, 1)), ps, st)
    assert caught.value.__notes__[0].startswith(
        "at the outermost layer: ConvTranspose((3, 3), 3 → 4)"
    )
    other, _ = lux.setup(0, lux.ConvTranspose((3, 3), 3, 5))
    with pytest.raises(ValueError, match="do not fit") as caught:
        layer(jnp.ones((2, 8, 8, 3)), other, st)
    assert str(caught.value) == (
        "the parameters do not fit: weight: expected shape (3, 3, 3, 4), got (3, 3, 3, 5): are "
        "these the parameters of another model?"
    )
