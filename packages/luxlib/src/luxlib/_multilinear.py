"""Linear maps of more than one axis, and of two inputs."""

from __future__ import annotations

import math
import re
from functools import partial
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
from jax import lax

from ._activations import identity
from ._bias_activation import check_bias, finish
from ._checkpoint import saveable
from ._checks import check_callable, check_inexact, mismatch
from ._dtypes import promote
from ._products import product

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Inexact, Num

    from ._bias_activation import Activation

__all__ = ["fused_bilinear_bias_activation", "fused_einsum_bias_activation"]

_EQUATION = re.compile(r"(\.\.\.)?([a-zA-Z]*),([a-zA-Z]*)->(\.\.\.)?([a-zA-Z]*)")
# No label of an equation: the axis that `...` is made into.
_LEADING = "α"


def fused_bilinear_bias_activation(
    x: Num[Array, "*batch in1"],
    y: Num[Array, "*batch in2"],
    weight: Inexact[Array, "in1 in2 out"],
    bias: Inexact[Array, " out"] | None = None,
    activation: Activation = identity,
) -> Inexact[Array, "*batch out"]:
    """Multiply two inputs by a matrix for each output, add a bias and apply an activation.

    `z[k] = activation(Σᵢⱼ x[i] * weight[i, j, k] * y[j] + bias[k])`

    **Arguments**

    - `x`: `(*batch, in1)`, any number of leading axes, also none
    - `y`: `(*batch, in2)`, with the leading axes of `x`
    - `weight`: `(in1, in2, out)`
    - `bias`: `(out,)`, or `None` for none
    - `activation`: a function of one array

    **Returns**

    `(*batch, out)`, in the dtype that the arguments have in common; integers take the parameters'
    dtype. Half precision is summed in `float32` and rounded once, before the activation.

    **Raises**

    `ValueError` where the shapes don't match, `TypeError` where the parameters are not floating or
    complex or `activation` is not a function.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> x, y = jnp.array([[1.0, 2.0]]), jnp.array([[3.0, 4.0]])
    >>> luxlib.fused_bilinear_bias_activation(x, y, jnp.eye(2)[..., None], jnp.ones(1))
    Array([[12.]], dtype=float32)
    ```

    As `torch.nn.functional.bilinear`, whose weight is `(out, in1, in2)`.
    """
    function = "fused_bilinear_bias_activation"
    check_callable(function, activation)
    check_inexact(function, "weight", weight)
    if weight.ndim != 3:
        raise mismatch(
            function, "weight", "shape (in1, in2, out)", weight.shape, "Reshape it to three axes."
        )
    for name, array, size in (("x", x, weight.shape[0]), ("y", y, weight.shape[1])):
        if array.ndim == 0 or array.shape[-1] != size:
            axis = "first" if name == "x" else "second"
            raise mismatch(
                function,
                name,
                f"shape (..., {size})",
                array.shape,
                f"The last axis of {name} must have the size of the {axis} of weight "
                f"{weight.shape}.",
            )
    if y.shape[:-1] != x.shape[:-1]:
        raise mismatch(
            function,
            "y",
            f"shape {(*x.shape[:-1], y.shape[-1])}",
            y.shape,
            f"The leading axes of y are those of x {x.shape}.",
        )
    if bias is not None:
        check_bias(function, bias, weight.shape[2], f"weight has shape {weight.shape}")
    return _bilinear(x, y, weight, bias, activation)


@partial(jax.jit, static_argnames=("activation",))
def _bilinear(
    x: Array, y: Array, weight: Array, bias: Array | None, activation: Activation
) -> Array:
    x, y, weight, bias = promote(x, y, weight, bias)
    batch, (in1, in2, out) = x.shape[:-1], weight.shape
    multiply = partial(lax.dot_general, dimension_numbers=(((1,), (0,)), ((), ())))
    rows = x.reshape(math.prod(batch), in1)
    matrices = saveable(product(multiply, rows, weight.reshape(in1, in2 * out)))
    # The sum over the second input, in the dtype of the first one's.
    others = y.reshape(math.prod(batch), in2, 1).astype(matrices.dtype)
    z = (matrices.reshape(math.prod(batch), in2, out) * others).sum(1)
    return finish(z, bias, activation, x.dtype).reshape(*batch, out)


def fused_einsum_bias_activation(
    equation: str,
    x: Num[Array, "*axes"],
    weight: Inexact[Array, "*weight_axes"],
    bias: Inexact[Array, "*bias_axes"] | None = None,
    activation: Activation = identity,
) -> Inexact[Array, "*result_axes"]:
    """Multiply and sum along named axes, add a bias and apply an activation.

    `y = activation(einsum(equation, x, weight) + bias)`

    **Arguments**

    - `equation`: the axes of `x`, of `weight` and of the result, one letter each, as
      `"...ab,abc->...c"`; `...` stands for any number of leading axes of `x` and the result
    - `x`: an array with the axes of the first term
    - `weight`: an array with the axes of the second term
    - `bias`: what can be broadcast to the result, with all its named axes, of their sizes or 1; or
      `None` for none
    - `activation`: a function of one array

    **Returns**

    An array with the axes of the last term, in the dtype that the arguments have in common; an
    integer `x` takes the parameters' dtype. Half precision is summed in `float32` and rounded once,
    before the activation.

    **Raises**

    `ValueError` where the equation is of another form or the shapes don't match it, `TypeError`
    where the parameters are not floating or complex or `activation` is not a function.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> x, weight = jnp.ones((8, 5, 16)), jnp.ones((16, 4, 3))
    >>> luxlib.fused_einsum_bias_activation("...a,ahd->...hd", x, weight).shape
    (8, 5, 4, 3)
    ```

    As `jax.numpy.einsum` of two operands.
    """
    function = "fused_einsum_bias_activation"
    check_callable(function, activation)
    check_inexact(function, "weight", weight)
    form = _EQUATION.fullmatch(equation)
    if form is None or form[1] != form[4]:
        raise mismatch(
            function,
            "equation",
            "the form '...ab,abc->...c'",
            repr(equation),
            "It has a letter for each axis of x, of weight and of the result; '...' may stand "
            "before those of x and of the result.",
        )
    ellipsis, x_labels, weight_labels, _, result_labels = form.groups(default="")
    sizes: dict[str, int] = {}
    shapes = (("weight", weight, weight_labels, ""), ("x", x, x_labels, ellipsis))
    for name, array, labels, before in shapes:
        named = array.shape[array.ndim - len(labels) :]
        enough = array.ndim >= len(labels) if before else array.ndim == len(labels)
        agree = all(sizes.get(a, n) == n for a, n in zip(labels, named, strict=False))
        if not (enough and agree):
            axes = [before] * bool(before) + [str(sizes.get(label, label)) for label in labels]
            raise mismatch(
                function,
                name,
                f"shape ({', '.join(axes)})",
                array.shape,
                f"So says the equation {equation!r}.",
            )
        sizes.update(zip(labels, named, strict=True))
    if bias is not None:
        check_inexact(function, "bias", bias)
        result = tuple(sizes.get(label, 0) for label in result_labels)
        fits = all(n in (1, m) for n, m in zip(bias.shape, result, strict=False))
        if bias.ndim != len(result) or not fits:
            raise mismatch(
                function,
                "bias",
                f"shape {result}, or 1 for any of its sizes",
                bias.shape,
                f"Those are the last axes of the result of {equation!r}.",
            )
    return _einsum(x, weight, bias, equation, len(x_labels), activation)


@partial(jax.jit, static_argnames=("equation", "named", "activation"))
def _einsum(
    x: Array, weight: Array, bias: Array | None, equation: str, named: int, activation: Activation
) -> Array:
    x, weight, bias = promote(x, weight, bias)
    leading = x.shape[: x.ndim - named]
    if "..." in equation:  # one axis, as in _dense.py
        x = x.reshape(math.prod(leading), *x.shape[x.ndim - named :])
    multiply = partial(jnp.einsum, equation.replace("...", _LEADING))
    y = saveable(product(multiply, x, weight))
    y = finish(y, bias, activation, x.dtype)
    return y.reshape(*leading, *y.shape[1:]) if "..." in equation else y
