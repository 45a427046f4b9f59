"""A recurrent cell whose carry is in its state."""

from __future__ import annotations

from typing import Any

from luxcore import AbstractLuxWrapperLayer, NamedTuple, apply, initial_states

from ._cell import AbstractRecurrentCell, as_cell


class StatefulRecurrentCell(AbstractLuxWrapperLayer, layer="cell"):
    """A recurrent cell that keeps its carry in the state, from call to call.

    `y, st.carry = cell(x, st.carry)`

    Begin each new sequence with `lux.update_state(st, "carry", None)`.

    **Arguments**

    - `cell`: a recurrent cell, as for `Recurrence`

    **Inputs**

    - `x`: the input of one step, `(*batch, features)`; of the same batch as the step before

    **Returns**

    - the output of the cell
    - the state with the carry of the cell

    **Parameters**

    Those of `cell`, so those of a `Recurrence` of it.

    **States**

    - `cell`: those of `cell`
    - `carry`: the carry of the cell, `None` before the first step. So a compiled step is compiled
      twice, for the first one and for the others

    **Raises**

    - `TypeError`: for what is no recurrent cell, when the layer is made.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> cell = lux.StatefulRecurrentCell(lux.GRUCell(2, 3))
    >>> ps, st = lux.setup(0, cell)
    >>> x = jnp.cos(jnp.arange(10.0)).reshape(1, 5, 2)
    >>> for t in range(5):
    ...     y, st = cell(x[:, t], ps, st)
    >>> at_once, _ = lux.Recurrence(lux.GRUCell(2, 3))(x, ps, st.cell)
    >>> bool(jnp.allclose(y, at_once, atol=1e-6))
    True

    ```

    As Lux.jl's `StatefulRecurrentCell`.
    """

    cell: AbstractRecurrentCell

    def __post_init__(self) -> None:
        as_cell("StatefulRecurrentCell", "cell", self.cell)

    def initial_states(self, rng: Any) -> NamedTuple:
        return NamedTuple(cell=initial_states(rng, self.cell), carry=None)

    @property
    def preserves_state_type(self) -> bool:
        return False

    def _expected_fields(self) -> Any:
        return self.cell._expected_fields()[0], ("cell", "carry")

    def __call__(self, x: Any, ps: Any, st: Any) -> tuple[Any, NamedTuple]:
        given = x if st.carry is None else (x, st.carry)
        (y, carry), cell = apply(self.cell, given, ps, st.cell)
        return y, NamedTuple(cell=cell, carry=carry)
