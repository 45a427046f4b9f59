"""The call of a layer: where it is, what it was given, and what to say when it fails.

Every `__call__` is wrapped once, when its class is made. The wrapper finds out which part of the
running layer is called, so a path is known without any layer knowing its place; it checks what can
be checked without arrays; and it gives an error on its way out one note with the path. Under
`jax.jit` all this happens while tracing, and nothing of it when the compiled program runs.
"""

from __future__ import annotations

import contextvars
import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from ._describe import describe
from ._named_tuple import NamedTuple, items
from ._tree import Node, Path, children, join

if TYPE_CHECKING:
    from ._layer import AbstractLuxLayer

Proceed = Callable[[Any, Any, NamedTuple], tuple[Any, NamedTuple]]
LayerMethod = Callable[["AbstractLuxLayer", Any, Any, NamedTuple], tuple[Any, NamedTuple]]

_OUTLINE = 120

_running: contextvars.ContextVar[Frame | None] = contextvars.ContextVar("running", default=None)
_hooks: tuple[CallHook, ...] = ()


class Frame:
    """One running call: the layer, its path in the outermost layer, and the call around it.

    - `layer`: the layer that is called.
    - `path`: the path segments of the layer, none for the outermost one.
    - `segment`: what this call added to the path; empty for the layer inside a wrapper.
    """

    __slots__ = ("_called", "_ps", "layer", "path", "segment")

    def __init__(self, layer: AbstractLuxLayer, ps: Any, outer: Frame | None) -> None:
        self.layer = layer
        self._ps = ps
        self._called: set[Path] = set()
        self.segment: Path = () if outer is None else outer._segment_of(layer, ps)
        self.path: Path = self.segment if outer is None else outer.path + self.segment

    def _segment_of(self, layer: AbstractLuxLayer, ps: Any) -> Path:
        """Which part of this frame's layer is called: by identity, then by its parameters."""
        places = _places(self.layer).get(id(layer), [])
        if len(places) > 1:
            places = [path for path in places if _at(self._ps, path) is ps] or places
            places = [path for path in places if path not in self._called] or places
        place = places[0] if places else (layer_name(layer),)
        self._called.add(place)
        return place


class CallHook(Protocol):
    """What `register_call_hook` takes: it runs around a call, and calls `proceed` once."""

    def __call__(
        self, frame: Frame, proceed: Proceed, x: Any, ps: Any, st: NamedTuple
    ) -> tuple[Any, NamedTuple]: ...


def register_call_hook(hook: CallHook) -> Callable[[], None]:
    """Runs `hook(frame, proceed, x, ps, st)` around the call of every layer; returns its removal.

    The hook returns what `proceed(x, ps, st)` gives, or something else in its place. The hook that
    is registered last runs outermost.

    ```python
    >>> from luxcore import AbstractLuxLayer, NamedTuple, register_call_hook
    >>> class Double(AbstractLuxLayer):
    ...     def __call__(self, x, ps, st):
    ...         return 2 * x, st
    >>> def shout(frame, proceed, x, ps, st):
    ...     print("calling", frame.layer)
    ...     return proceed(x, ps, st)
    >>> remove = register_call_hook(shout)
    >>> Double()(1, NamedTuple(), NamedTuple())
    calling Double()
    (2, NamedTuple())
    >>> remove()

    ```
    """
    global _hooks
    _hooks = (*_hooks, hook)

    def remove() -> None:
        global _hooks
        _hooks = tuple(other for other in _hooks if other is not hook)

    return remove


def current_path() -> Path:
    """The path of the layer that is running, without segments outside of any call."""
    frame = _running.get()
    return () if frame is None else frame.path


def traced_call(call: LayerMethod) -> LayerMethod:
    """A class's `__call__` with its place in the model known, checked, and named in errors."""

    @functools.wraps(call)
    def __call__(self: AbstractLuxLayer, x: Any, ps: Any, st: NamedTuple) -> tuple[Any, NamedTuple]:
        outer = _running.get()
        if outer is not None and outer.layer is self:  # a base's `__call__`, called by `super()`
            return call(self, x, ps, st)
        frame = Frame(self, ps, outer)
        token = _running.set(frame)
        try:
            _check_trees(self, ps, st)
            proceed: Proceed = functools.partial(call, self)
            for hook in _hooks:
                proceed = functools.partial(hook, frame, proceed)
            result = proceed(x, ps, st)
            _check_result(self, result, st)
            return result
        except Exception as error:
            _add_note(error, frame, x, ps)
            raise
        finally:
            _running.reset(token)

    return __call__


def layer_name(layer: AbstractLuxLayer) -> str:
    """The layer's field `name` where it has one that is set, else the name of its type."""
    name = getattr(layer, "name", None)
    return name if isinstance(name, str) and name else type(layer).__name__


def _places(layer: AbstractLuxLayer) -> dict[int, list[Path]]:
    """Where the layers directly inside a layer are, by identity; found once for an object."""
    if "_places" not in layer.__dict__:
        layer.__dict__["_places"] = {}
        _find_places(layer, (), layer.__dict__["_places"])
    places: dict[int, list[Path]] = layer.__dict__["_places"]
    return places


def _find_places(tree: Any, path: Path, places: dict[int, list[Path]]) -> None:
    """Adds the layers inside a tree, those in sequences and named tuples too."""
    for segment, part in children(tree) or []:
        place = join(path, segment)
        if isinstance(part, Node):
            places.setdefault(id(part), []).append(place)
        else:
            _find_places(part, place, places)


def _at(tree: Any, path: Path) -> Any:
    for segment in path:
        tree = getattr(tree, segment, None)
    return tree


def _check_trees(layer: AbstractLuxLayer, ps: Any, st: Any) -> None:
    for what, tree in (("parameters", ps), ("states", st)):
        if isinstance(tree, Mapping):
            raise TypeError(
                f"{what} are read by attribute, got a {type(tree).__name__}: "
                "luxcore.from_dict makes a NamedTuple of it"
            )
    if not isinstance(st, NamedTuple):
        raise TypeError(f"states are a NamedTuple, got {describe(st)}: call layer(x, ps, st)")
    names_by_tree = layer._expected_fields()
    for (what, tree), names in zip(
        (("parameters", ps), ("states", st)), names_by_tree, strict=True
    ):
        if names is None:
            continue
        if not isinstance(tree, NamedTuple):  # parameters may be of any type with these fields
            if all(hasattr(tree, name) for name in names):
                continue
            got, advice = describe(tree), "call layer(x, ps, st)"
        elif tree._fields == names:
            continue
        else:
            got, advice = _listed(tree._fields), f"are these the {what} of another model?"
            if sorted(names) == sorted(tree._fields):
                advice = "luxcore.from_dict(luxcore.to_dict(tree), template) puts them in order"
        raise ValueError(
            f"the {what} do not fit: expected the fields {_listed(names)}, got {got}: {advice}"
        )


def _listed(names: tuple[str, ...]) -> str:
    return f"({', '.join(names)})"


def _check_result(layer: AbstractLuxLayer, result: Any, st: NamedTuple) -> None:
    if not isinstance(result, tuple) or len(result) != 2:
        raise TypeError(
            f"{type(layer).__name__}.__call__ returns {describe(result)}: expected (y, st), the "
            "output and the new state"
        )
    if type(result[1]) is not type(st):
        raise TypeError(
            f"{type(layer).__name__}.__call__ returns the state {describe(result[1])}: expected "
            f"the fields {_listed(st._fields)} of the state it was given"
        )


def _add_note(error: Exception, frame: Frame, x: Any, ps: Any) -> None:
    """One note on an error's way out, by the innermost layer that it leaves."""
    if hasattr(error, "__lux_path__"):
        return
    error.__lux_path__ = frame.path  # type: ignore[attr-defined]
    layer = layer_name(frame.layer) if _places(frame.layer) else str(frame.layer)
    error.add_note(
        f"at {'.'.join(frame.path) or 'the outermost layer'}: {layer}\n"
        f"  parameters: {_outline(ps)}\n"
        f"  input: {_outline(x)}"
    )


def _outline(tree: Any) -> str:
    """A tree by its outermost fields: those of a whole model would fill the screen."""
    if isinstance(tree, NamedTuple):
        fields = (
            f"{name}={'…' if isinstance(part, NamedTuple) and len(part) else _outline(part)}"
            for name, part in items(tree)
        )
        return f"NamedTuple({', '.join(fields)})"
    text = describe(tree)
    return text if len(text) <= _OUTLINE else text[:_OUTLINE] + "…"
