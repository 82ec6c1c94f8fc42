"""Streams of Codec 2's 700C as ``c2enc`` writes them, to payloads and back.

A file with the suffix ``.c2`` begins with a header of 7 bytes: C0 DE C2, the major and minor
version of the format, the mode (8 is 700C), and flags. Each frame of 28 bits follows in 4 bytes,
the last 4 bits of which are 0. Without the header the frames are all there is.
"""

from __future__ import annotations

import numpy as np

from voicelink.models.codec2 import BITS, MODE
from voicelink.models.errors import FormatError
from voicelink.models.sizes import FRAMES

SUFFIX = ".c2"
MAGIC = bytes.fromhex("c0dec2")
HEADER = MAGIC + bytes([1, 0, MODE, 0])
"""What a file of 700C begins with."""
HEADER_BYTES = len(HEADER)
FRAME_BYTES = 4
SUPERFRAME_BYTES = FRAMES * FRAME_BYTES
_MODES = ("3200", "2400", "1600", "1400", "1300", "1200", "700", "700B", "700C")


def payloads(content: bytes, name: str = "the stream") -> tuple[bytes, int]:
    """The payloads of a stream, 28 bytes each, and how many frames of 40 ms it has.

    The last payload is filled up with its last frame.

    Args:
        content: with the header or without.
        name: for the message.

    Raises:
        FormatError: it is of another mode, or not whole frames.
    """
    if content.startswith(MAGIC):
        check_header(content, name)
        content = content[HEADER_BYTES:]
    count, rest = divmod(len(content), FRAME_BYTES)
    if rest:
        raise FormatError(
            f"{name} must be whole frames of {FRAME_BYTES} bytes, but {rest} bytes follow"
            f" the {count} frames"
        )
    frames = np.frombuffer(content, np.uint8).reshape(-1, FRAME_BYTES)
    if (frames[:, -1] & 15).any():
        raise FormatError(f"{name} is not 700C: bits are set behind the {BITS} of a frame")
    fill = -count % FRAMES
    if fill:
        frames = np.concatenate([frames, np.repeat(frames[-1:], fill, axis=0)])
    bits = np.unpackbits(frames, axis=1)[:, :BITS]
    return np.packbits(bits).tobytes(), count


def check_header(content: bytes, name: str = "the stream") -> None:
    """Compare the header, which begins with `MAGIC`.

    Raises:
        FormatError: it is of another mode, or ends within the header.
    """
    if len(content) < HEADER_BYTES:
        raise FormatError(f"{name} ends within its header of {HEADER_BYTES} bytes")
    mode = content[5]
    if mode != MODE:
        known = f"{_MODES[mode]} ({mode})" if mode < len(_MODES) else str(mode)
        raise FormatError(f"{name} is Codec 2's mode {known}; it must be 700C ({MODE})")


def may_begin(content: bytes) -> bool:
    """Whether a stream without a header may begin so: two frames whose last 4 bits are 0.

    >>> may_begin(bytes.fromhex("8cf100503a2be170")), may_begin(b"Some text")
    (True, False)
    """
    ends = content[FRAME_BYTES - 1 : 2 * FRAME_BYTES : FRAME_BYTES]
    return len(ends) == 2 and not any(end & 15 for end in ends)


def stream(payload: bytes) -> bytes:
    """What ``c2enc`` writes for payloads of 28 bytes, behind the header where there is one."""
    bits = np.unpackbits(np.frombuffer(payload, np.uint8)).reshape(-1, BITS)
    return np.packbits(bits, axis=1).tobytes()
