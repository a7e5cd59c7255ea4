"""An answer shows itself as people write it, and says nothing that it was not told."""

from __future__ import annotations

from starship import answers, words
from starship.answers import Origin, Route, Upstream


def test_an_upstream_is_shown_as_the_ini_file_has_it() -> None:
    assert str(Upstream(host="::1")) == "[::1]"
    assert str(Upstream(host="::1", port=443)) == "[::1]:443"
    assert str(Upstream(host="a.internal", port=8443)) == "a.internal:8443"
    assert str(Upstream(host="_http._tcp.a.internal", srv=True)) == "srv:_http._tcp.a.internal"


def test_a_route_is_nobodys_word_and_open_to_all_unless_it_says_so() -> None:
    route = Route(app="A", upstreams=(Upstream(host="10.0.0.1"),), origin=Origin.FRESH)
    assert (route.trusted, route.maintenance, route.allow, route.deny) == (False, False, None, ())
    assert (route.ttl, route.stale_ttl, route.paths, route.redirect) == (None, None, (), False)


def test_the_rooms_find_the_nouns_among_the_others() -> None:
    assert words.Route is answers.Route
    assert words.Ask is answers.Ask
