"""Real pools without a network, for the pages to look into."""

from __future__ import annotations

from attrs import define, field

from starship.admin.poolrooms import Basin
from starship.dial.pools.book import NamedPool, Pools
from starship.dial.pools.terms import Terms
from starship.poolviews import NameView
from starship.words import Place, Upstream
from tests.dial.pools.pooling import RULES, World, up


@define(eq=False)
class Waters:
    """The pool `web` of three addresses, and `mail` of a name; what is known of names is in `names`."""

    world: World = field(factory=World)
    names: dict[str, NameView] = field(factory=dict)
    web: NamedPool = field(init=False)
    pools: Pools = field(init=False)

    def __attrs_post_init__(self) -> None:
        terms = Terms(policy="round_robin", ejection=RULES, max_connections=9)
        web = (up("192.0.2.1", weight=3), up("192.0.2.2"), up("192.0.2.9", backup=True))
        self.web = NamedPool("web", web, terms, self.world.means)
        mail = NamedPool("mail", (up("mail.internal", None),), Terms(policy="random"), self.world.means)
        self.pools = Pools({"web": self.web, "mail": mail}, Terms(), self.world.means)

    def basin(self) -> Basin:
        return Basin(pools=self.pools, upstreams=self._upstreams, known=lambda upstream: self.names.get(upstream.host))

    def known(self, trouble: str = "") -> NameView:
        return NameView(name="mail.internal", places=(Place("192.0.2.25"),), age=3.0, left=27.0, trouble=trouble)

    def _upstreams(self, pool: str) -> tuple[Upstream, ...] | None:
        named = self.pools.named.get(pool)
        return None if named is None else named.upstreams
