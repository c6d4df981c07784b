"""A stub of the security module in a DL/T 645 meter, and of the utility's encryptor. Its test key guards nothing."""

from __future__ import annotations

import hashlib
import hmac

TEST_KEY = b"prewatt simulator: no real key"
MAC_BYTES = 4


class TestSigner:
    """Signs purchases for simulated meters only."""

    __test__ = False  # no test of pytest's

    def __init__(self, key: bytes = TEST_KEY) -> None:
        self._key = key

    def sign(self, address: str, content: bytes) -> bytes:
        """Four bytes over the meter's address and a part of a purchase."""
        return hmac.digest(self._key, address.encode() + content, hashlib.sha256)[:MAC_BYTES]
