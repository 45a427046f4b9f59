"""What normalizations say of arguments that are wrong."""

import jax.numpy as jnp
import pytest

from luxlib import batchnorm, groupnorm, instancenorm, layernorm, rmsnorm

X = jnp.ones((2, 3, 4))

MESSAGES = {
    "activation": (
        lambda: batchnorm(X, activation="relu"),
        TypeError,
        "batchnorm: activation: expected a function of one array, got 'relu'. "
        "Pass luxlib.identity for none.",
    ),
    "complex": (
        lambda: rmsnorm(X.astype(complex)),
        TypeError,
        "rmsnorm: x: expected a real dtype, got complex64. "
        "Normalize its real and imaginary parts, for example.",
    ),
    "batch-scalar": (
        lambda: batchnorm(jnp.ones(())),
        ValueError,
        "batchnorm: x: expected shape (..., channels), got (). Add the axes that are missing.",
    ),
    "instance-axes": (
        lambda: instancenorm(X[0]),
        ValueError,
        "instancenorm: x: expected shape (batch, *space, channels), got (3, 4). "
        "Add the axes that are missing.",
    ),
    "group-axes": (
        lambda: groupnorm(X[0, 0]),
        ValueError,
        "groupnorm: x: expected shape (batch, *space, channels), got (4,). "
        "Add the axes that are missing.",
    ),
    "layer-scalar": (
        lambda: layernorm(jnp.ones(())),
        ValueError,
        "layernorm: x: expected shape (..., features), got (). Add the axes that are missing.",
    ),
    "epsilon": (
        lambda: layernorm(X, epsilon=0),
        ValueError,
        "layernorm: epsilon: expected a positive number, got 0. "
        "It keeps the division by the deviation finite.",
    ),
    "epsilon-kind": (
        lambda: groupnorm(X, groups=1, epsilon="small"),
        ValueError,
        "groupnorm: epsilon: expected a positive number, got 'small'. "
        "It keeps the division by the deviation finite.",
    ),
    "epsilon-nan": (
        lambda: groupnorm(X, groups=1, epsilon=float("nan")),
        ValueError,
        "groupnorm: epsilon: expected a positive number, got nan. "
        "It keeps the division by the deviation finite.",
    ),
    "mask-dtype": (
        lambda: batchnorm(X, mask=jnp.ones((2, 3, 1))),
        TypeError,
        "batchnorm: mask: expected dtype bool, got float32. "
        "True marks a valid element; convert it, for example mask != 0.",
    ),
    "mask-axes": (
        lambda: layernorm(X, mask=jnp.ones((2, 3), bool)),
        ValueError,
        "layernorm: mask: expected a shape that broadcasts to (2, 3, 4), with as many axes, "
        "got (2, 3). Add axes of size 1, for example mask[..., None].",
    ),
    "mask-size": (
        lambda: layernorm(X, mask=jnp.ones((2, 2, 1), bool)),
        ValueError,
        "layernorm: mask: expected a shape that broadcasts to (2, 3, 4), with as many axes, "
        "got (2, 2, 1). Add axes of size 1, for example mask[..., None].",
    ),
    "scale": (
        lambda: batchnorm(X, jnp.ones(3)),
        ValueError,
        "batchnorm: scale: expected shape (4,), got (3,). "
        "It has one number for each channel: x has shape (2, 3, 4).",
    ),
    "bias": (
        lambda: groupnorm(X, None, jnp.ones((1, 4)), 2),
        ValueError,
        "groupnorm: bias: expected shape (4,), got (1, 4). "
        "It has one number for each channel: x has shape (2, 3, 4).",
    ),
    "scale-dtype": (
        lambda: batchnorm(X, jnp.ones(4, int)),
        TypeError,
        "batchnorm: scale: expected a floating or complex dtype, got int32. "
        "Convert it first, for example scale.astype(jax.numpy.float32).",
    ),
    "scale-complex": (
        lambda: layernorm(X, jnp.ones(4, complex)),
        TypeError,
        "layernorm: scale: expected a real floating dtype, got complex64. "
        "Real numbers are scaled and shifted by real ones.",
    ),
    "layer-scale": (
        lambda: layernorm(X, jnp.ones(3)),
        ValueError,
        "layernorm: scale: expected the sizes of the last axes of x (2, 3, 4), such as (4,), "
        "got (3,). Reshape or broadcast it first.",
    ),
    "layer-bias-scalar": (
        lambda: layernorm(X, None, jnp.ones(())),
        ValueError,
        "layernorm: bias: expected the sizes of the last axes of x (2, 3, 4), such as (4,), "
        "got (). Reshape or broadcast it first.",
    ),
    "rms-scale-axes": (
        lambda: rmsnorm(X, jnp.ones((1, 2, 3, 4))),
        ValueError,
        "rmsnorm: scale: expected the sizes of the last axes of x (2, 3, 4), such as (4,), "
        "got (1, 2, 3, 4). Reshape or broadcast it first.",
    ),
    "running-alone": (
        lambda: batchnorm(X, running_mean=jnp.zeros(4)),
        ValueError,
        "batchnorm: running_var: expected an array, as the other running statistic is one, "
        "got None. Pass both, or none.",
    ),
    "running-alone-2": (
        lambda: instancenorm(X, running_var=jnp.zeros(4)),
        ValueError,
        "instancenorm: running_mean: expected an array, as the other running statistic is one, "
        "got None. Pass both, or none.",
    ),
    "running-shape": (
        lambda: instancenorm(X, None, None, jnp.zeros(3), jnp.ones(4)),
        ValueError,
        "instancenorm: running_mean: expected shape (4,), got (3,). "
        "It has one number for each channel: x has shape (2, 3, 4).",
    ),
    "momentum": (
        lambda: batchnorm(X, momentum=1.5),
        ValueError,
        "batchnorm: momentum: expected a number from 0 to 1, got 1.5. "
        "It is the weight of the batch in the running statistics.",
    ),
    "momentum-shape": (
        lambda: batchnorm(X, momentum=jnp.ones(4)),
        ValueError,
        "batchnorm: momentum: expected one number, got shape (4,). Give a scalar.",
    ),
    "groups": (
        lambda: groupnorm(X, groups=3),
        ValueError,
        "groupnorm: groups: expected a divisor of the 4 channels, got 3. x has shape (2, 3, 4).",
    ),
    "groups-zero": (
        lambda: groupnorm(X, groups=0),
        ValueError,
        "groupnorm: groups: expected a divisor of the 4 channels, got 0. x has shape (2, 3, 4).",
    ),
    "groups-kind": (
        lambda: groupnorm(X, groups=2.0),
        ValueError,
        "groupnorm: groups: expected a divisor of the 4 channels, got 2.0. x has shape (2, 3, 4).",
    ),
    "axis": (
        lambda: layernorm(X, axis=3),
        ValueError,
        "layernorm: axis: expected one or more different axes of 3, got 3. "
        "Count them from -3 to 2.",
    ),
    "axis-twice": (
        lambda: layernorm(X, axis=(-1, 2)),
        ValueError,
        "layernorm: axis: expected one or more different axes of 3, got (-1, 2). "
        "Count them from -3 to 2.",
    ),
    "axis-none": (
        lambda: rmsnorm(X, axis=()),
        ValueError,
        "rmsnorm: axis: expected one or more different axes of 3, got (). Count them from -3 to 2.",
    ),
    "offset": (
        lambda: rmsnorm(X, offset=1.0),
        ValueError,
        "rmsnorm: offset: expected a number, and 0 without a scale, got 1.0. "
        "It is added to the scale.",
    ),
    "offset-kind": (
        lambda: rmsnorm(X, jnp.ones(4), offset="one"),
        ValueError,
        "rmsnorm: offset: expected a number, and 0 without a scale, got 'one'. "
        "It is added to the scale.",
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_message(name):
    call, kind, message = MESSAGES[name]
    with pytest.raises(kind) as error:
        call()
    assert str(error.value) == message
