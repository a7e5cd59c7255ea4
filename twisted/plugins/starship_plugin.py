"""Makes `twistd starship` known."""

from twisted.application.service import ServiceMaker

starship = ServiceMaker(
    "starship",
    "starship.tap",
    "The front door of a multi-tenant fleet: routes TLS and HTTP by hostname.",
    "starship",
)
