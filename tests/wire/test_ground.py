"""What the connections of one loop share."""

from __future__ import annotations

import pytest

from starship.wire.ground import BUFFER_BYTES, HOLD_READ_BYTES, SPLICE_AFTER_BYTES, Ground
from starship.wire.loop import WireLoop


@pytest.mark.parametrize(("setting", "reached"), [(SPLICE_AFTER_BYTES, 65536), (1, 1), (0, 1 << 62)])
def test_a_threshold_of_nothing_is_never_reached(setting: int, reached: int) -> None:
    loop = WireLoop()
    assert Ground(loop, setting).splice_after == reached
    loop.stop()


def test_all_reads_go_into_one_buffer() -> None:
    loop = WireLoop()
    ground = Ground(loop)
    assert [len(view) for view in (*ground.into, *ground.hold_into)] == [BUFFER_BYTES, HOLD_READ_BYTES]
    ground.view[0] = 7
    assert ground.into[0][0] == ground.hold_into[0][0] == 7
    loop.stop()
