"""Every word of the seam of caches is one that a cache has to keep."""

from __future__ import annotations

import pytest
from zope.interface.verify import verifyClass

from starship.route.cache import ICache
from starship.route.memory import MemoryCache


def test_the_memory_of_the_product_keeps_all_of_it() -> None:
    assert verifyClass(ICache, MemoryCache)


@pytest.mark.parametrize("word", sorted(ICache))
def test_each_word_says_what_it_promises(word: str) -> None:
    assert ICache[word].__doc__
