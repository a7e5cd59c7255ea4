"""
The pages that anybody may see: metrics, health and readiness. They name no host and change nothing.

Part of `admin`, floor 6. Knows the registry of the metrics and `readiness.py`.
"""

from __future__ import annotations

import json
from typing import Final

from attrs import frozen
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder, generate_latest
from twisted.web import http

from starship.admin.index import index
from starship.admin.readiness import Readiness
from starship.admin.replies import JSON, Place, Reply, Visit, text_reply

PROMETHEUS: Final = b"text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS: Final = "application/openmetrics-text"


@frozen
class HealthPages:
    """What Prometheus, supervisors and balancers ask for."""

    registry: CollectorRegistry
    readiness: Readiness

    def places(self) -> dict[bytes, Place]:
        """By path."""
        pages = {b"/": index, b"/metrics": self.metrics, b"/healthz": self.health, b"/readyz": self.ready}
        return {path: Place({b"GET": page}, guarded=False) for path, page in pages.items()}

    def health(self, visit: Visit) -> Reply:
        """The process answers."""
        return text_reply("ok\n")

    def metrics(self, visit: Visit) -> Reply:
        """In the form that is accepted."""
        if OPENMETRICS in visit.accept:
            encode, kind = choose_encoder(f"{OPENMETRICS}; version=1.0.0")
            return Reply(status=http.OK, kind=kind.encode("ascii"), body=encode(self.registry))
        return Reply(status=http.OK, kind=PROMETHEUS, body=generate_latest(self.registry))

    def ready(self, visit: Visit) -> Reply:
        """200 where clients may be sent here, else 503 and why."""
        standing = self.readiness.standing()
        status = http.OK if standing.ready else http.SERVICE_UNAVAILABLE
        if visit.wants_json:
            body = json.dumps({"ready": standing.ready, "state": standing.state, "reasons": standing.reasons})
            return Reply(status=status, kind=JSON, body=body.encode("ascii") + b"\n")
        return text_reply("".join(f"{line}\n" for line in (standing.state, *standing.reasons)), status)
