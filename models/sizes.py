"""The sizes of the 800 b/s codec: every other file takes them from here."""

SAMPLE_RATE = 8000
"""Audio samples per second; audio is mono float32 within +-1."""

SUPERFRAME_SAMPLES = 2560
"""Samples in a superframe, the unit that encoder, link and decoder step by (320 ms)."""

FRAMES = 8
"""Frames in a superframe; a frame is 40 ms, 320 samples, 32 bits."""

FRAME_SAMPLES = SUPERFRAME_SAMPLES // FRAMES

LATENTS = 16
"""Latents in a frame, each of 4 levels."""

BITS_PER_LATENT = 2
LEVELS = 4

PAYLOAD_BITS = FRAMES * LATENTS * BITS_PER_LATENT
"""Bits in a superframe: 256."""

PAYLOAD_BYTES = PAYLOAD_BITS // 8

BIT_RATE = PAYLOAD_BITS * SAMPLE_RATE // SUPERFRAME_SAMPLES
"""Bits per second: 800, with nothing beside it."""

SUPERFRAME_SECONDS = SUPERFRAME_SAMPLES / SAMPLE_RATE
