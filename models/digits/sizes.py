"""The sizes of the digit model: every other file of it takes them from here.

A block is 64 columns of a spectrogram at a hop of 120 samples: 7680 samples, 960 ms, exactly three
superframes of the link, whose three payloads of 256 bits carry it at 800 b/s. (A hop of 128 and 7
bits for each of 128 latents would be 1.024 s and 906 b/s.)
"""

from voicelink.models.sizes import PAYLOAD_BITS, SUPERFRAME_SAMPLES

HOP = 120
WINDOW = 480
"""Samples of the Hann window; its squares at this hop sum to 1.5."""

TRANSFORM = 512
BINS = 256
"""0 to 3984 Hz; the last of the 257, at 4000 Hz, is left out."""

COLUMNS = 64
PARTS = 3
"""Payloads, and superframes, of a block."""

BLOCK = COLUMNS * HOP
LATENTS = 128

INDEX_BITS = 2
"""At a payload's beginning: which of the block's it is, 0..2."""

DATA_BITS = PAYLOAD_BITS - INDEX_BITS

OVERLAP = WINDOW - HOP
"""Samples of the past that a block's first column sees; and by which its sound comes later."""

DELAY = (PARTS - 1) * SUPERFRAME_SAMPLES + OVERLAP
"""Samples by which the decoder's sound lags its payloads, beside the superframe itself."""

assert BLOCK == PARTS * SUPERFRAME_SAMPLES
