"""What a route may say of who comes in and of what is told, for models of every shape."""

from __future__ import annotations

from hypothesis import strategies as st

from confgen.limits import Limits, Rate, Size
from confgen.users import Hash, User, Users
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

limits: st.SearchStrategy[Limits] = st.just(Limits()) | st.builds(
    Limits,
    body=st.sampled_from([None, Size(0), Size(1), Size(10 * 1024**2)]),
    connections=st.sampled_from([None, 1, 65_535]),
    rate=st.sampled_from([None, Rate(1, 60), Rate(7), Rate(999_999)]),
    burst=st.sampled_from([0, 20, 10_000]),
)
_HASHES = (
    "$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a",
    "$5$rounds=10000$saltsalt$RUsnTSO2Cw.gkRW/RZSmG6BCeuh1a6eDbZfnX4oz1c5",
)
users: st.SearchStrategy[Users] = st.just(()) | st.dictionaries(
    st.sampled_from(["bob", "a.b@c-d_e", "-", "Ann"]), st.sampled_from(_HASHES), min_size=1, max_size=3
).map(lambda said: tuple(User(Name(name), Hash(said[name])) for name in sorted(said)))

#: Values of every kind of character, the ones that mean something more often.
_values = st.text(st.sampled_from("$%\"'\\#;{}[]() ,=aZ9~"), max_size=12) | st.sampled_from(
    ["", "${HOME}", "%[env(HOME)]", "$confgen_port", "$" * 300]
)
headers: st.SearchStrategy[tuple[Header, ...]] = st.dictionaries(
    st.sampled_from(["X-A", "X-B", "Server", "Proxy", "Front-End-Https", "Set-Cookie"]), _values, max_size=2
).map(lambda found: tuple(Header(Name(name), parse_text(found[name])) for name in sorted(found, key=str.lower)))
