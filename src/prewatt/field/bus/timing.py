"""How long things take on a serial line: characters, the silence between frames, and how long to wait for an answer.

Source: Modbus over serial line V1.02, 2.5.1.1: 3.5 characters of 11 bits up to 19200 baud, above it fixed 1.75 ms.
"""

from __future__ import annotations

from dataclasses import dataclass

SILENCE_CHARACTERS = 3.5
SPEC_BITS = 11  # the specification's character, whatever the parity
FIXED_SILENCE_ABOVE = 19200
FIXED_SILENCE_S = 0.00175
REPLY_TIMEOUT_S = 1.0
QUIET_AFTER_MONEY_S = 2.0  # after a money frame whose answer did not come


@dataclass(frozen=True, slots=True)
class Timing:
    """Times of one line in seconds of the site."""

    silence_s: float
    character_s: float
    reply_timeout_s: float = REPLY_TIMEOUT_S

    @classmethod
    def of(cls, baud: int, parity: str = "N") -> Timing:
        """Times at a baud rate with 8 data bits and 1 stop bit."""
        silence = FIXED_SILENCE_S if baud > FIXED_SILENCE_ABOVE else SILENCE_CHARACTERS * SPEC_BITS / baud
        return cls(silence, (10 if parity == "N" else 11) / baud)

    def wire_s(self, characters: int) -> float:
        """How long that many characters take on the wire."""
        return characters * self.character_s

    def answer_within_s(self, request_length: int, answer_length: int) -> float:
        """From the first byte sent until the answer counts as missing."""
        return self.reply_timeout_s + self.wire_s(request_length + answer_length)
