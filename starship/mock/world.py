"""
The world around Starship in the demo: the API to ask and the little clusters, as its plan has them.

Part of `mock`, which knows only the ground. Starts and stops what listens; knows nothing of Starship itself.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from datetime import datetime
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IReactorTCP, IReactorTime

from starship.errors import StarshipError
from starship.mock.api import LookupApi, Question
from starship.mock.certificates import Authority
from starship.mock.cluster import Cluster
from starship.mock.demo import DOORS_HOST, TENANCIES, Plan, hosts_file
from starship.mock.hosts import HostsFile
from starship.mock.streams import quiet_site
from starship.words import Address


class PlaceTaken(StarshipError):
    """An address of the plan cannot be listened on. str(error) says which, why, and what to do."""


def check_places(plan: Plan) -> None:
    """Try every address of the plan before anything starts. Raises: PlaceTaken."""
    for place in plan.places:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(place)
            except OSError as error:
                raise PlaceTaken(_why(place, error.errno or 0)) from error


@define(eq=False, kw_only=True)
class World:
    """The API and the clusters of a plan. `heard` is told each question that the API is asked."""

    plan: Plan
    reactor: IReactorTCP
    clock: IReactorTime
    heard: Callable[[Question], None] | None = None
    clusters: list[Cluster] = field(init=False, factory=list)
    api: LookupApi = field(init=False)
    _port: Any = field(init=False, default=None)

    def start(self, now: datetime) -> None:
        """
        Write the certificate and the hosts file into the plan's directory, and listen.

        `now` is an aware datetime: the certificates are valid around it. Raises: PlaceTaken, and nothing listens then.
        """
        plan = self.plan
        authority = Authority.made("Starship demo", now)
        authority.write(plan.directory)
        plan.hosts.write_text(hosts_file(plan))
        self.api = LookupApi(HostsFile(plan.hosts), self.clock, heard=self.heard)
        site = quiet_site(self.api, self.clock)
        try:
            self._port = self.reactor.listenTCP(plan.api, site, interface=DOORS_HOST)
            for home in TENANCIES:
                cluster = Cluster(
                    name=home.cluster,
                    reactor=self.reactor,
                    clock=self.clock,
                    address=home.address,
                    http_port=plan.http,
                    tls_port=plan.tls,
                    # Every cluster may house every host, so that one can be moved by hand.
                    credentials=authority.leaf(tuple(other.host for other in TENANCIES), now),
                )
                self.clusters.append(cluster)
                cluster.start()
        except CannotListenError as error:
            self.stop()
            place = Address(str(error.interface), int(error.port))
            raise PlaceTaken(_why(place, getattr(error.socketError, "errno", 0) or 0)) from error

    def stop(self) -> Deferred[list[Any]]:
        """Listen no more."""
        stopping: list[Deferred[Any]] = [cluster.stop() for cluster in self.clusters]
        if self._port is not None:
            stopping.append(self._port.stopListening())
        self.clusters, self._port = [], None
        return gatherResults(stopping)


def _why(place: Address, number: int) -> str:
    if number == errno.EADDRINUSE:
        return (
            f"port {place.port} on {place.host} is taken by another program; free it or run with --port-base N"
            f" (N to N+3 are used then)"
        )
    return f"port {place.port} on {place.host} cannot be used: {os.strerror(number)}"
