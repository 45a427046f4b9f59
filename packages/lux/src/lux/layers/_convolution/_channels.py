"""What convolutions and transposed ones have in common: windows and groups of channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lux.layers._checks import fail

if TYPE_CHECKING:
    from ._conv import Conv
    from ._transpose import ConvTranspose

# The fields that `head` says.
CHANNELS = ("window", "in_channels", "out_channels")


def check_groups(layer: Conv | ConvTranspose) -> None:
    """Refuse groups that do not have equally many channels."""
    if layer.in_channels % layer.groups or layer.out_channels % layer.groups:
        channels = f"in_channels={layer.in_channels} and out_channels={layer.out_channels}"
        raise fail(layer, "groups", f"a divisor of {channels}", layer.groups)


def shape_of(layer: Conv | ConvTranspose) -> tuple[int, ...]:
    """The shape of the kernel."""
    return (*layer.window, layer.in_channels // layer.groups, layer.out_channels)


def head(layer: Conv | ConvTranspose) -> tuple[str, str]:
    """How a layer begins where it prints."""
    return repr(layer.window), f"{layer.in_channels} → {layer.out_channels}"
