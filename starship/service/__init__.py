"""The house put together. `make_service` and `verify` are all that the outside needs."""

from starship.service.make import make_service as make_service
from starship.service.make import verify as verify
