"""Recurrent layers: cells, which make one step, and what runs them over sequences.

- `_cell`: what a cell is to the layers that run it, also one of a user's own;
- `_gated`: what the cells of this package have in common; `_rnn`, `_lstm`, `_gru`: these cells;
- `_recurrence`: a cell over sequences; `_bidirectional`: two, one in each direction;
- `_stateful`: a cell with its carry in the state; `_reversal`: sequences backwards;
- `_steps`: which steps of each sequence count.
"""

from ._bidirectional import BidirectionalRNN as BidirectionalRNN
from ._cell import AbstractRecurrentCell as AbstractRecurrentCell
from ._gru import GRUCell as GRUCell
from ._lstm import LSTMCell as LSTMCell
from ._recurrence import Recurrence as Recurrence
from ._reversal import ReverseSequence as ReverseSequence
from ._rnn import RNNCell as RNNCell
from ._stateful import StatefulRecurrentCell as StatefulRecurrentCell

__all__ = [
    "AbstractRecurrentCell",
    "BidirectionalRNN",
    "GRUCell",
    "LSTMCell",
    "RNNCell",
    "Recurrence",
    "ReverseSequence",
    "StatefulRecurrentCell",
]
