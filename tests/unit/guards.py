"""What a route may say of who comes in and of what is told, for models of every shape."""

from __future__ import annotations

from hypothesis import strategies as st

from confgen.values import Cidr, parse_ranges

#: Enough for a second line of HAProxy's.
_MANY = ",".join(f"10.{n}.0.0/16" for n in range(40))
ranges: st.SearchStrategy[tuple[Cidr, ...]] = st.one_of(
    st.just(()),
    st.lists(
        st.sampled_from(["0.0.0.0/0", "::/0", "10.0.0.0/8", "10.1.0.0/16", "192.0.2.7", "2001:db8::/32", _MANY]), min_size=1
    ).map(lambda parts: parse_ranges(",".join(parts))),
)
