"""Which keys a canary serves."""

from __future__ import annotations

import hashlib
from itertools import pairwise

from catena.serving.canary import on_canary

KEYS = [f"key-{n}" for n in range(20_000)]


def test_a_key_is_always_on_the_same_side():
    """The side hangs on salt and key alone: not on the order, nor on the other keys."""
    sides = dict(zip(KEYS, on_canary(KEYS, 0.1, "toys/2024-03-01"), strict=True))
    assert dict(zip(KEYS[::-7], on_canary(KEYS[::-7], 0.1, "toys/2024-03-01"), strict=True)) == {
        key: sides[key] for key in KEYS[::-7]
    }
    # By hand: the digest's first eight bytes as a share of all there are.
    place = int(hashlib.sha256(b"toys/2024-03-01\x00key-0").hexdigest()[:16], 16) / 2**64
    assert on_canary(["key-0"], place * 1.001, "toys/2024-03-01").tolist() == [True]
    assert on_canary(["key-0"], place, "toys/2024-03-01").tolist() == [False]


def test_shares_are_nested_and_hold():
    """Who is on the canary's side stays there when the share grows; the share of keys is the declared one."""
    shares = (0.0, 0.01, 0.1, 0.5, 1.0)
    sides = [on_canary(KEYS, share, "s") for share in shares]
    assert all((small <= large).all() for small, large in pairwise(sides))
    # Four standard errors of a share of 20,000.
    assert all(abs(side.mean() - share) <= 4 * (share * (1 - share) / 20_000) ** 0.5
               for side, share in zip(sides, shares, strict=True))  # fmt: skip


def test_another_salt_draws_other_keys():
    """Two canaries share no more keys than chance has it: a tenth of a tenth."""
    both = on_canary(KEYS, 0.1, "one") & on_canary(KEYS, 0.1, "other")
    assert 0.007 < both.mean() < 0.013
