"""Every formulation of a convolution and of its gradients, and which is chosen."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from test_conv import reference, reference_gradients

import luxlib
from luxlib._compilation import Compilation
from luxlib._convolution._choice import Formulations, choose
from luxlib._convolution._geometry import Geometry
from luxlib._convolution._images import sum_over_images
from luxlib._convolution._operation import (
    FORWARD,
    INPUT_GRADIENT,
    WEIGHT_GRADIENT,
    convolve,
    formulated,
)

LAYOUT = {1: ("NWC", "WIO", "NWC"), 2: ("NHWC", "HWIO", "NHWC"), 3: ("NDHWC", "DHWIO", "NDHWC")}
CPU, LEAN = Compilation("cpu", True), Compilation("cpu", False)


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def arrays(batch, channels, features, g):
    """Input, kernel, and the gradient for the output."""
    return (
        normal(0, batch, *g.space, channels),
        normal(1, *g.window, channels // g.groups, features),
        normal(2, batch, *g.places, features),
    )


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def geometry(space, window, stride=1, pairs=0, dilation=1, groups=1):
    def each(value):
        return (value,) * len(space) if isinstance(value, int) else tuple(value)

    pairs = tuple((p, p) if isinstance(p, int) else p for p in each(pairs))
    return Geometry(space, window, each(stride), pairs, each(dilation), groups)


def xla(x, weight, geometry):
    return lax.conv_general_dilated(
        x,
        weight,
        geometry.stride,
        geometry.pairs,
        rhs_dilation=geometry.dilation,
        dimension_numbers=LAYOUT[geometry.axes],
        feature_group_count=geometry.groups,
    )


# (batch, channels, features, geometry)
LINE = [
    (2, 3, 4, geometry((7,), (3,), pairs=1)),
    (3, 2, 5, geometry((9,), (3,), 2, ((2, 0),), 2)),
    (1, 1, 1, geometry((1,), (1,))),
    (2, 3, 2, geometry((5,), (2,), pairs=((3, 4),))),
]
STRIDED = [
    (2, 3, 4, geometry((7, 6), (3, 2), 2, 1)),
    (3, 2, 3, geometry((8, 9), (3, 3), (3, 1), ((1, 0), (0, 2)), (1, 2))),
    (2, 2, 2, geometry((9, 4), (2, 1), 4)),
    (1, 3, 2, geometry((2, 6), (2, 3), (5, 2), ((0, 1), (2, 2)))),
]
UNIT = [
    (2, 3, 4, geometry((6, 5), (3, 3), pairs=1)),
    (3, 2, 3, geometry((7, 4), (3, 2), pairs=((2, 0), (1, 3)))),
    (2, 3, 2, geometry((9, 7), (3, 2), dilation=(2, 3))),
    (2, 2, 3, geometry((5, 1), (5, 1))),
    (1, 2, 2, geometry((3, 4), (2, 2), pairs=3)),
    (2, 2, 2, geometry((4, 5), (3, 3), pairs=((0, 4), (2, 2)), dilation=2)),
]
SOLID = [(1, 2, 3, geometry((4, 3, 5), (2, 3, 2), (1, 2, 1), (1, 0, 1), (1, 1, 2)))]
ONE = [
    (2, 3, 4, geometry((5,), (1,))),
    (2, 3, 4, geometry((5, 4), (1, 1), (2, 3))),
    (1, 2, 1, geometry((3, 2, 4), (1, 1, 1), (1, 1, 2))),
]
DEPTHWISE = [
    (3, 4, 4, geometry((6, 5), (3, 3), pairs=1, groups=4)),
    (2, 3, 3, geometry((9,), (3,), 2, ((2, 1),), 2, groups=3)),
    (2, 2, 2, geometry((7, 8), (2, 3), (3, 2), ((0, 1), (2, 0)), (1, 2), groups=2)),
    (1, 2, 2, geometry((4, 3, 5), (2, 3, 2), (1, 2, 1), (1, 0, 1), (1, 1, 2), groups=2)),
    (2, 3, 3, geometry((5, 1), (5, 1), groups=3)),
]
GROUPED = [
    (2, 3, 6, geometry((6, 5), (3, 3), pairs=1, groups=3)),
    (2, 4, 6, geometry((6, 5), (3, 2), 2, 1, groups=2)),
    (2, 6, 2, geometry((7,), (3,), pairs=((2, 0),), groups=2)),
    (1, 1, 3, geometry((4, 4), (2, 2))),
]
DENSE = LINE + STRIDED + UNIT + SOLID + ONE
WHERE = {
    ("forward", "plain"): DENSE + DEPTHWISE + GROUPED,
    ("forward", "larger"): UNIT,
    ("forward", "product"): ONE,
    ("forward", "shifts"): LINE[:2] + UNIT[:2] + SOLID + DEPTHWISE + GROUPED,
    ("input", "plain"): DENSE + DEPTHWISE + GROUPED,
    ("input", "larger"): UNIT,
    ("input", "product"): ONE,
    ("input", "taps"): DENSE,
    ("input", "columns"): DENSE,
    ("input", "shifts"): LINE[:2] + STRIDED[:2] + SOLID + DEPTHWISE + GROUPED,
    ("input", "shifts back"): DEPTHWISE,
    ("weight", "plain"): DENSE,
    ("weight", "product"): ONE,
    ("weight", "taps"): DENSE,
    ("weight", "columns"): DENSE,
    ("weight", "cross"): UNIT,
    ("weight", "lines"): UNIT,
    ("weight", "shifts"): LINE[:2] + STRIDED[:2] + SOLID + DEPTHWISE + GROUPED,
}
TABLES = {"forward": FORWARD, "input": INPUT_GRADIENT, "weight": WEIGHT_GRADIENT}


def test_every_formulation_is_tested():
    assert set(WHERE) == {(kind, name) for kind, table in TABLES.items() for name in table}


def expected(x, weight, ct, g):
    """Value and gradients from loops in NumPy."""
    options = {
        "stride": g.stride,
        "padding": g.pairs,
        "dilation": g.dilation,
        "groups": g.groups,
        "cross": True,
    }
    y = reference(x, weight, **options)
    return dict(zip(TABLES, (y, *reference_gradients(x, weight, ct, **options)), strict=True))


@pytest.mark.parametrize(("kind", "name"), WHERE, ids=str)
def test_formulation(kind, name):
    cases = [(arrays(*case), case[-1]) for case in WHERE[kind, name]]
    chosen = {"forward": (0, 1), "input": (2, 1), "weight": (0, 2)}[kind]

    @jax.jit
    def results(every):
        return [
            TABLES[kind][name](*(given[i] for i in chosen), g)
            for given, (_, g) in zip(every, cases, strict=True)
        ]

    for result, (given, g) in zip(results([given for given, _ in cases]), cases, strict=True):
        truth = expected(*given, g)[kind]
        np.testing.assert_allclose(result, truth, rtol=1e-11, atol=1e-12, err_msg=str(g))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
def test_dtypes(dtype):
    """Sums are in float32, and gradients rounded to the dtype once."""
    cases = [
        (("plain", "plain", "plain"), UNIT[0]),
        (("larger", "larger", "lines"), UNIT[0]),
        (("plain", "columns", "cross"), UNIT[1]),
        (("plain", "taps", "taps"), STRIDED[0]),
        (("product", "product", "product"), ONE[1]),
        (("shifts", "shifts back", "shifts"), DEPTHWISE[0]),
    ]
    given = [[jnp.asarray(a, dtype) for a in arrays(*case)] for _, case in cases]

    @jax.jit
    def ours(given):
        results = []
        for (names, (*_, g)), (x, weight, ct) in zip(cases, given, strict=True):
            f = partial(formulated, geometry=g, chosen=Formulations(*names))
            y, back = jax.vjp(f, x, weight)
            results.append((y, *back(ct.astype("float32"))))
        return results

    for results, three, (_, (*_, g)) in zip(ours(given), given, cases, strict=True):
        assert [a.dtype for a in results] == ["float32", dtype, dtype]
        truths = expected(*(np.asarray(a, "float64") for a in three), g).values()
        for result, truth in zip(results, truths, strict=True):
            error = float(jnp.finfo(result.dtype).eps) * np.abs(truth) + 1e-5
            assert (np.abs(np.asarray(result, "float64") - truth) <= error).all()


@pytest.mark.parametrize("batch", [12, 13])
@pytest.mark.parametrize("at_a_time", [1, 2, 5, 100])
def test_sums_over_images_in_parts(batch, at_a_time):
    seen = []

    def f(x, ct):
        seen.append(x.shape[0])
        return [x.T @ ct, ct.sum(0)]

    x, ct = normal(0, batch, 3), normal(1, batch, 2)
    for a, b in zip(sum_over_images(f, x, ct, at_a_time), f(x, ct), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    images = {(12, 1): 1, (12, 2): 2, (12, 5): 4, (13, 1): 1, (13, 2): 1}
    assert seen[0] == images.get((batch, at_a_time), batch)


@pytest.mark.parametrize("name", ["cross", "lines", "shifts"])
def test_weight_gradient_in_parts(name):
    """So many images that they are summed in parts, inside `shard_map` too."""
    g = geometry((9, 128), (3, 3), pairs=1, groups=2 if name == "shifts" else 1)
    x, weight, ct = map(jnp.asarray, arrays(66, 2, 2, g))

    def gradient(x, ct):
        f = partial(formulated, geometry=g, chosen=Formulations("shifts", "shifts", name))
        return jax.vjp(lambda w: f(x, w), weight)[1](ct)[0]

    program = jax.jit(gradient).lower(x, ct)
    assert "while" in program.as_text()
    truth = jax.vjp(partial(xla, x, geometry=g), weight)[1](ct)[0]
    np.testing.assert_allclose(program.compile()(x, ct), truth, rtol=1e-10, atol=1e-9)
    mesh = jax.make_mesh((1,), ("i",), axis_types=(jax.sharding.AxisType.Auto,))
    split, whole = jax.P("i"), jax.P()
    manual = jax.shard_map(gradient, mesh=mesh, in_specs=(split, split), out_specs=whole)
    np.testing.assert_allclose(jax.jit(manual)(x, ct), truth, rtol=1e-10, atol=1e-9)


@pytest.mark.parametrize(
    ("shape", "window", "features", "options", "default", "lean"),
    [
        ((64, 32, 32, 16), (3, 3), 16, {"pairs": 1}, "plain plain cross", "plain plain cross"),
        ((64, 16, 16, 32), (3, 3), 32, {"pairs": 1}, "larger larger lines", "plain plain plain"),
        ((64, 4, 4, 128), (3, 3), 128, {"pairs": 1}, "plain plain plain", "plain plain plain"),
        ((1, 56, 56, 64), (3, 3), 64, {"pairs": 1}, "larger larger lines", "plain plain lines"),
        ((8, 7, 7, 256), (3, 3), 256, {"pairs": 1}, "plain plain lines", "plain plain plain"),
        ((8, 9, 9, 32), (3, 3), 32, {}, "plain plain lines", "plain plain plain"),
        (
            (8, 28, 28, 32),
            (3, 3),
            32,
            {"pairs": 2, "dilation": 2},
            "plain plain lines",
            "plain plain plain",
        ),
        ((64, 32, 32, 3), (3, 3), 16, {"pairs": 1}, "plain columns cross", "plain columns cross"),
        ((64, 32, 32, 3), (3, 3), 64, {"pairs": 1}, "plain columns plain", "plain columns plain"),
        ((64, 32, 32, 16), (3, 3), 32, {"stride": 2}, "plain taps taps", "plain taps taps"),
        ((64, 16, 16, 32), (3, 3), 64, {"stride": 2}, "plain taps columns", "plain taps plain"),
        ((8, 28, 28, 32), (3, 3), 32, {"stride": 3}, "plain plain plain", "plain plain plain"),
        ((8, 56, 56, 3), (7, 7), 64, {"stride": 2}, "plain plain plain", "plain plain plain"),
        ((8, 56, 56, 16), (5, 5), 64, {"stride": 2}, "plain plain plain", "plain plain plain"),
        ((32, 14, 14, 64), (1, 1), 256, {}, "product product product", "plain plain product"),
        ((8, 56, 56, 8), (1, 1), 16, {}, "plain plain product", "plain plain product"),
        (
            (8, 56, 56, 8),
            (1, 1),
            16,
            {"stride": 2},
            "product product product",
            "product product product",
        ),
        ((8, 14, 14, 8), (1, 1), 16, {"pairs": 1}, "plain plain cross", "plain plain cross"),
        ((16, 256, 64), (3,), 64, {}, "plain plain plain", "plain plain plain"),
        ((16, 256, 1), (3,), 64, {}, "plain columns plain", "plain columns plain"),
        ((16, 256, 64), (3,), 64, {"stride": 2}, "plain plain plain", "plain plain plain"),
        ((4, 8, 8, 8, 16), (3, 3, 3), 16, {}, "planes", "planes"),
        (
            (4, 8, 8, 64),
            (3, 3),
            64,
            {"groups": 64},
            "shifts shifts back shifts",
            "shifts shifts back shifts",
        ),
        (
            (4, 9, 9, 64),
            (7, 7),
            64,
            {"groups": 64},
            "shifts shifts shifts",
            "shifts shifts shifts",
        ),
        (
            (4, 8, 8, 64),
            (3, 3),
            128,
            {"groups": 64, "stride": 2},
            "shifts shifts shifts",
            "shifts shifts shifts",
        ),
        ((4, 8, 8, 8, 4), (3, 3, 3), 4, {"groups": 4}, "shifts shifts shifts", None),
        ((4, 8, 8, 64), (3, 3), 64, {"groups": 8}, "each group", "each group"),
        ((4, 8, 8, 8), (3, 3), 64, {"groups": 8}, "each group", "each group"),
        ((0, 8, 8, 64), (3, 3), 64, {"groups": 64}, "xla", "xla"),
        ((4, 8, 8, 64), (3, 3), 0, {}, "xla", "xla"),
    ],
)
def test_choice(shape, window, features, options, default, lean):
    g = geometry(shape[1:-1], window, **options)

    def names(chosen):
        if isinstance(chosen, str):
            return chosen
        return f"{chosen.forward} {chosen.input_gradient} {chosen.weight_gradient}"

    assert names(choose(g, shape, features, jnp.float32, CPU)) == default
    if lean is not None:
        assert names(choose(g, shape, features, jnp.float32, LEAN)) == lean


def test_elsewhere_and_for_complex_numbers_it_is_xla():
    g = geometry((8, 8), (3, 3), groups=4)
    shape = (2, 8, 8, 4)
    for platform in ("gpu", "tpu"):
        assert choose(g, shape, 4, jnp.float32, Compilation(platform, True)) == "xla"
    assert choose(g, shape, 4, jnp.complex64, CPU) == "xla"
    x, weight, _ = map(jnp.asarray, arrays(2, 4, 4, g))
    on_gpu = convolve(x, weight, g, Compilation("gpu", True))
    np.testing.assert_allclose(on_gpu, convolve(x, weight, g, CPU), rtol=1e-12, atol=1e-12)


def test_the_options_in_force_choose():
    """A program that is compiled without the library's convolutions has none that outgrows it."""
    x, weight = jnp.ones((1, 8, 8, 32)), jnp.ones((3, 3, 32, 32))

    def places(**told):
        with luxlib.compiling_for(**told):
            jaxpr = jax.make_jaxpr(lambda x, w: luxlib.conv(x, w, padding=1))(x, weight)
        return "1,9,8,32" in str(jaxpr)

    assert places()
    assert not places(compiler_options=luxlib.compiler_options("cpu"))
    assert not places(platform="gpu")


def test_a_gradient_in_a_loop_is_a_convolution_that_xla_has_fast_code_for():
    """In a loop XLA's CPU backend has none for the axes that JAX's derivatives ask for."""

    @jax.jit
    def gradients(x, weight):
        def body(_, x):
            return None, jax.grad(lambda x, w: (luxlib.conv(x, w) ** 2).sum(), (0, 1))(x, weight)

        return jax.lax.scan(body, None, x)[1]

    compiled = gradients.lower(jnp.ones((2, 3, 9, 9, 5)), jnp.ones((2, 2, 5, 24))).compile()
    labels = [
        line.split("dim_labels=")[1].split(",")[0]
        for line in compiled.as_text().splitlines()
        if "dim_labels=" in line
    ]
    assert labels
    assert set(labels) <= {"b01f_01io->b01f", "b0f_0io->b0f"}
