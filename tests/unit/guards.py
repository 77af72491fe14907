"""What a route may say of who comes in and of what is told, for models of every shape."""

from __future__ import annotations

from hypothesis import strategies as st

from confgen.values import Cidr, Header, Name, parse_ranges, parse_text

#: Enough for a second line of HAProxy's.
_MANY = ",".join(f"10.{n}.0.0/16" for n in range(40))
ranges: st.SearchStrategy[tuple[Cidr, ...]] = st.one_of(
    st.just(()),
    st.lists(
        st.sampled_from(["0.0.0.0/0", "::/0", "10.0.0.0/8", "10.1.0.0/16", "192.0.2.7", "2001:db8::/32", _MANY]),
        min_size=1,
        max_size=3,
        unique=True,
    ).map(lambda parts: parse_ranges(",".join(parts))),
)

#: Values of every kind of character, the ones that mean something more often.
_values = st.text(st.sampled_from("$%\"'\\#;{}[]() ,=aZ9~"), max_size=12) | st.sampled_from(
    ["", "${HOME}", "%[env(HOME)]", "$confgen_host", "$" * 300]
)
headers: st.SearchStrategy[tuple[Header, ...]] = st.dictionaries(
    st.sampled_from(["X-A", "X-B", "Server", "Proxy", "Front-End-Https", "Set-Cookie"]), _values, max_size=2
).map(lambda found: tuple(Header(Name(name), parse_text(found[name])) for name in sorted(found, key=str.lower)))
