"""What a request says of connections is read strictly, in the operator's spelling."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import ip_network
from typing import Any

import pytest

from starship.admin.meant import PAGE, PAGE_LIMIT, after_of, limit_of, order_of, shown_rank, wanted_of
from starship.admin.replies import Unfit
from starship.inside import Order, Wanted
from starship.words import Upstream


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ({}, Wanted()),
        ({"id": "ab-1"}, Wanted(id="ab-1")),
        ({"host": "WWW.A.com."}, Wanted(name="www.a.com")),
        ({"host": "*.bücher.example"}, Wanted(name="*.xn--bcher-kva.example")),
        ({"source": "192.0.2.7"}, Wanted(source=ip_network("192.0.2.7/32"))),
        ({"source": "2001:DB8::/32"}, Wanted(source=ip_network("2001:db8::/32"))),
        ({"source": "::ffff:192.0.2.7"}, Wanted(source=ip_network("192.0.2.7/32"))),
        ({"app": "A Simple App"}, Wanted(app="A Simple App")),
        ({"endpoint": "10.0.0.24"}, Wanted(upstream=Upstream(host="10.0.0.24"))),
        ({"endpoint": "[2001:db8::1]:443"}, Wanted(upstream=Upstream(host="2001:db8::1", port=443))),
        ({"host": "a.com", "app": "A"}, Wanted(name="a.com", app="A")),
    ],
)
def test_who_is_meant(asked: Mapping[str, str], wanted: Wanted) -> None:
    assert wanted_of(asked) == wanted


@pytest.mark.parametrize(
    ("read", "asked", "why"),
    [
        (wanted_of, {"host": ""}, "the name is empty"),
        (wanted_of, {"host": "a..com"}, "the name has an empty label"),
        (wanted_of, {"source": "a.com"}, "source is neither an address nor a network: "),
        (wanted_of, {"source": "10.0.0.1/8"}, "source is neither an address nor a network: "),
        (wanted_of, {"app": ""}, "app is not a text of 1 to 256 characters"),
        (wanted_of, {"id": "x" * 257}, "id is not a text of 1 to 256 characters"),
        (wanted_of, {"endpoint": "10.0.0.24:0"}, "endpoint: the port is not a number"),
        (wanted_of, {"endpoint": "a.com:443"}, "endpoint is not an IP address, with or without a port"),
        (order_of, {"sort": "name"}, "sort is neither age nor bytes"),
        (after_of, {"after": "7"}, "after is not what a page said as next"),
        (after_of, {"after": "-1.2"}, "after is not what a page said as next"),
        (after_of, {"after": "1." + "9" * 21}, "after is not what a page said as next"),
        (limit_of, {"limit": "0"}, f"limit is not a number from 1 to {PAGE_LIMIT}"),
        (limit_of, {"limit": "1001"}, f"limit is not a number from 1 to {PAGE_LIMIT}"),
        (limit_of, {"limit": "٣"}, f"limit is not a number from 1 to {PAGE_LIMIT}"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(
    read: Callable[[Mapping[str, str]], Any], asked: Mapping[str, str], why: str
) -> None:
    with pytest.raises(Unfit) as caught:
        read(asked)
    assert str(caught.value).startswith(why)


def test_a_page_begins_where_the_last_one_ended() -> None:
    for rank in ((0, 7), (-123456, 8)):
        assert after_of({"after": shown_rank(rank)}) == rank
    assert after_of({}) is None


def test_order_and_length_may_be_said() -> None:
    assert (order_of({}), order_of({"sort": "bytes"})) == (Order.AGE, Order.BYTES)
    assert (limit_of({}), limit_of({"limit": "7"})) == (PAGE, 7)
