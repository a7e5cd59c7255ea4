"""The lookup API is there, and knows nobody."""

from __future__ import annotations

from http.client import HTTPConnection

from benchmarks.wire.api import api
from benchmarks.wire.ports import free_ports


def test_it_answers_that_a_name_is_unknown_and_keeps_the_connection() -> None:
    port = next(free_ports())
    with api(port):
        connection = HTTPConnection("127.0.0.1", port)
        for name in ("a.test", "b.test"):
            connection.request("GET", f"/?host={name}")
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (404, b"")
        connection.close()
