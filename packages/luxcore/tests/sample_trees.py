"""Strategies for the trees that the laws are tested on."""

import keyword

from hypothesis import strategies as st

from luxcore import NamedTuple, Val

names = st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True).filter(
    lambda name: not keyword.iskeyword(name)
)
named_tuples = st.recursive(
    st.integers() | st.booleans() | st.none() | st.text(),
    lambda parts: st.dictionaries(names, parts, max_size=3).map(lambda d: NamedTuple(**d)),
    max_leaves=8,
)
trees = st.recursive(
    st.integers() | st.none() | st.booleans().map(Val),
    lambda parts: (
        st.lists(parts, max_size=3)
        | st.lists(parts, max_size=3).map(tuple)
        | st.dictionaries(names, parts, max_size=3)
        | st.dictionaries(names, parts, max_size=3).map(lambda d: NamedTuple(**d))
    ),
    max_leaves=10,
)
