"""Convolution in one to three dimensions, channels last.

Input is `(*batch, *space, channels)`, a kernel `(*window, in / groups, out)`. All leading axes are
flattened into one, so a video `(batch, time, height, width, channels)` goes through a 2-D
convolution as it is.

As in Lux.jl and NNlib, a convolution turns the kernel around by default: that is the convolution
of mathematics. Other frameworks compute the cross-correlation, which doesn't; for their kernels
pass `cross_correlation=True`. Turning a kernel around costs nothing that can be measured.

`_functions` has the public functions, `_operation` the convolution with its derivatives, in the
formulations of `_dense` and `_shifts` that `_choice` chooses.
"""

from __future__ import annotations

from ._functions import conv as conv
from ._functions import fused_conv_bias_activation as fused_conv_bias_activation
