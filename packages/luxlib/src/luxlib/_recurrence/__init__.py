"""Recurrent layers over whole sequences, and their single steps.

- `_arguments`: what is refused;
- `_cell`: what a layer is to the functions that run it;
- `_sequence`: from the caller's axes, lengths and dtypes to a formulation, and back;
- `_plain`, `_lean`, `_cudnn`: the formulations;
- `_lstm`, `_gru`, `_rnn`: the layers.
"""

from __future__ import annotations

from ._gru import gru as gru
from ._gru import gru_cell as gru_cell
from ._lstm import lstm as lstm
from ._lstm import lstm_cell as lstm_cell
from ._rnn import rnn as rnn
from ._rnn import rnn_cell as rnn_cell

__all__ = ["gru", "gru_cell", "lstm", "lstm_cell", "rnn", "rnn_cell"]
