"""`MaxPool` against loops, and what it refuses."""

import pickle

import jax.numpy as jnp
import numpy as np
import pytest

import lux

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("window", "stride", "padding"), [((2, 2), None, 0), ((3, 2), 1, 0), ((3, 3), (2, 1), 1)]
)
def test_formula(window, stride, padding):
    layer = lux.MaxPool(window, stride=stride, padding=padding)
    ps, st = lux.setup(0, layer)
    x = RNG.normal(size=(2, 6, 7, 3)).astype(np.float32)
    y, new_st = layer(jnp.asarray(x), ps, st)
    padded = np.pad(x, ((0, 0), (padding,) * 2, (padding,) * 2, (0, 0)), constant_values=-np.inf)
    (kh, kw), step = window, stride or window
    sh, sw = (step, step) if isinstance(step, int) else step
    rows = range(0, padded.shape[1] - kh + 1, sh)
    columns = range(0, padded.shape[2] - kw + 1, sw)
    expected = [[padded[:, i : i + kh, j : j + kw].max((1, 2)) for j in columns] for i in rows]
    np.testing.assert_array_equal(y, np.asarray(expected).transpose(2, 0, 1, 3))
    assert new_st is st
    assert lux.parameter_length(layer) == lux.state_length(layer) == 0


def test_ceil_mode_and_dilation():
    x = jnp.arange(5.0)[None, :, None]
    assert lux.MaxPool((2,), ceil_mode=True)(x, *lux.setup(0, None))[0].ravel().tolist() == [
        1,
        3,
        4,
    ]
    y, _ = lux.MaxPool((2,), stride=1, dilation=3)(x, *lux.setup(0, None))
    assert y.ravel().tolist() == [3, 4]


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (lux.MaxPool((2, 2)), "MaxPool((2, 2))"),
        (lux.MaxPool([3], stride=2, padding="SAME"), "MaxPool((3,), stride=2, padding='SAME')"),
    ],
)
def test_text(layer, text: str):
    assert str(layer) == repr(layer) == text
    assert pickle.loads(pickle.dumps(layer)) == layer


@pytest.mark.parametrize(
    ("window", "options", "message"),
    [
        (
            (),
            {},
            "window: expected one to three integers of at least 1, one for each spatial axis, "
            "got ()",
        ),
        (
            (2, -2),
            {},
            "window: expected one to three integers of at least 1, one for each spatial axis, "
            "got (2, -2)",
        ),
        (
            (2, 2),
            {"stride": (1,)},
            "stride: expected an integer or 2 of them, each at least 1, got (1,)",
        ),
        ((2,), {"padding": "CAUSAL"}, "padding: expected one of 'VALID', 'SAME', got 'CAUSAL'"),
    ],
)
def test_an_impossible_layer_is_refused(window, options, message: str):
    with pytest.raises(ValueError, match="expected") as caught:
        lux.MaxPool(window, **options)
    assert str(caught.value) == f"MaxPool: {message}"
