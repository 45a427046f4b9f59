"""The rows of the table of transformations, a module for each family of functions.

A module has a `TABLE`: name → `(function of (x, parameter), x, parameter)`, small and smooth at
that point. Those of `ALWAYS` are tested by default, the others with the slow tests.
"""

import importlib
import pkgutil

ALWAYS = {
    "apply_rotary_embedding",
    "attention",
    "attention_made_again",
    "batchnorm",
    "conv_2d",
    "conv_depthwise",
    "conv_transpose",
    "dense",
    "dropout",
    "embedding_lookup",
    "gather",
    "gelu_erf",
    "groupnorm",
    "gru",
    "layernorm",
    "linear_cross_entropy",
    "lstm",
    "maxpool",
    "meanpool",
    "softmax",
    "spectrogram",
    "swiglu",
    "unfold",
    "upsample_bilinear",
    "weight_norm",
}

_families = [
    importlib.import_module(f"{__name__}.{family.name}")
    for family in pkgutil.iter_modules(__path__)
]
TABLE = {name: row for family in _families for name, row in getattr(family, "TABLE", {}).items()}
assert len(TABLE) == sum(len(getattr(family, "TABLE", ())) for family in _families)
assert set(TABLE) >= ALWAYS
