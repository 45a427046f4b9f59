"""Pooling against loops, and what it refuses."""

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


def test_means_and_norms_of_windows():
    x = RNG.normal(size=(2, 6, 3))
    windows = [x[:, start : start + 3] for start in (0, 2)]

    def call(layer, x):
        return layer(jnp.asarray(x, jnp.float32), *lux.setup(0, layer))[0]

    y = call(lux.MeanPool((3,), stride=2), x)
    np.testing.assert_allclose(y, np.stack([w.mean(1) for w in windows], 1), rtol=1e-5, atol=1e-6)
    for p in (1, 2, 3.5):
        y = call(lux.LPPool((3,), stride=2, p=p), x)
        norms = [(abs(w) ** p).sum(1) ** (1 / p) for w in windows]
        np.testing.assert_allclose(y, np.stack(norms, 1), rtol=1e-5)
    assert (call(lux.LPPool((3,), stride=2), x) == call(lux.LPPool((3,), stride=2, p=2), x)).all()


@pytest.mark.parametrize(
    ("options", "counts"),
    [
        ({}, [2, 2]),
        ({"padding": 1}, [2, 2, 2]),
        ({"padding": 1, "count_include_pad": False}, [1, 2, 2]),
        ({"ceil_mode": True}, [2, 2, 1]),
        ({"padding": "SAME"}, [2, 2, 2]),
        ({"padding": "SAME", "count_include_pad": False}, [2, 2, 1]),
    ],
)
def test_what_a_mean_counts(options, counts):
    layer = lux.MeanPool((2,), **options)
    ps, st = lux.setup(0, layer)
    y, _ = layer(jnp.ones((5, 1)), ps, st)
    total, _ = lux.LPPool(
        (2,), p=1, **{k: v for k, v in options.items() if k != "count_include_pad"}
    )(jnp.ones((5, 1)), ps, st)
    assert (total / y).ravel().tolist() == counts


SIZES = [(4,), (3, 5), (2, 3, 2), (2, 2, 2, 2)]


@pytest.mark.parametrize("space", SIZES, ids=str)
def test_global(space):
    x = RNG.normal(size=(2, *space, 3))
    flat = x.reshape(2, -1, 3)
    for layer, expected in (
        (lux.GlobalMaxPool(), flat.max(1)),
        (lux.GlobalMeanPool(), flat.mean(1)),
        (lux.GlobalLPPool(), np.sqrt((flat**2).sum(1))),
        (lux.GlobalLPPool(p=1), abs(flat).sum(1)),
    ):
        y, st = layer(jnp.asarray(x, jnp.float32), *lux.setup(0, layer))
        expected = expected.reshape(2, *(1 for _ in space), 3)
        np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)
        assert st == lux.NamedTuple()


@pytest.mark.parametrize(("n", "m"), [(6, 3), (7, 3), (3, 5), (4, 1)])
def test_adaptive(n, m):
    x = RNG.normal(size=(2, n, 3, 2))
    parts = [x[:, t * n // m : -(-(t + 1) * n // m)] for t in range(m)]
    for layer, pool in (
        (lux.AdaptiveMaxPool((m, 1)), lambda w: w.max((1, 2))),
        (lux.AdaptiveMeanPool((m, 1)), lambda w: w.mean((1, 2))),
        (lux.AdaptiveLPPool((m, 1)), lambda w: np.sqrt((w**2).sum((1, 2)))),
        (lux.AdaptiveLPPool((m, 1), p=3), lambda w: (abs(w) ** 3).sum((1, 2)) ** (1 / 3)),
    ):
        y, _ = layer(jnp.asarray(x, jnp.float32), *lux.setup(0, layer))
        expected = np.stack([pool(part) for part in parts], 1)[:, :, None]
        np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("make", [lux.GlobalMaxPool, lux.GlobalMeanPool, lux.GlobalLPPool])
def test_an_input_without_space_is_refused(make):
    with pytest.raises(ValueError, match="expected shape") as caught:
        make()(jnp.ones((2, 3)), *lux.setup(0, None))
    assert str(caught.value) == (
        f"{make.__name__}: x: expected shape (batch, *space, channels) with a spatial axis at "
        "least, got (2, 3)"
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: lux.MeanPool(2),
            "MeanPool: window: expected one to three integers of at least 1, one for each spatial "
            "axis, got 2",
        ),
        (
            lambda: lux.MeanPool((2,), padding=-1),
            "MeanPool: padding: expected an integer, 1 integers or pairs (before, after), none of "
            "them negative, got -1",
        ),
        (lambda: lux.LPPool((2,), p=0), "LPPool: p: expected a positive number, got 0"),
        (
            lambda: lux.LPPool((2,), stride=0),
            "LPPool: stride: expected an integer or 1 of them, each at least 1, got 0",
        ),
        (
            lambda: lux.GlobalLPPool(p=float("inf")),
            "GlobalLPPool: p: expected a positive number, got inf",
        ),
        (
            lambda: lux.AdaptiveMaxPool(3),
            "AdaptiveMaxPool: out_size: expected one to three integers of at least 1, one for "
            "each spatial axis, got 3",
        ),
        (
            lambda: lux.AdaptiveMeanPool((3, 0)),
            "AdaptiveMeanPool: out_size: expected one to three integers of at least 1, one for "
            "each spatial axis, got (3, 0)",
        ),
        (
            lambda: lux.AdaptiveLPPool((3,), p=-1),
            "AdaptiveLPPool: p: expected a positive number, got -1",
        ),
        (
            lambda: lux.AdaptiveLPPool((3, 3, 3, 3)),
            "AdaptiveLPPool: out_size: expected one to three integers of at least 1, one for "
            "each spatial axis, got (3, 3, 3, 3)",
        ),
    ],
)
def test_impossible_layers_of_every_kind_are_refused(make, message: str):
    with pytest.raises(ValueError, match="expected") as caught:
        make()
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (lux.MeanPool((2,), count_include_pad=False), "MeanPool((2,), count_include_pad=False)"),
        (lux.LPPool([2, 2], p=3), "LPPool((2, 2), p=3.0)"),
        (lux.GlobalMaxPool(), "GlobalMaxPool()"),
        (lux.GlobalLPPool(p=1), "GlobalLPPool(p=1.0)"),
        (lux.AdaptiveMeanPool([2, 2]), "AdaptiveMeanPool((2, 2))"),
        (lux.AdaptiveLPPool((2,)), "AdaptiveLPPool((2,))"),
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
