"""The house put together. `make_service` is all that the outside needs."""

from starship.service.make import make_service as make_service
