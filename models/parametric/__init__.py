"""A conventional parametric speech codec at 800 bit/s: analysis, quantisers, plain synthesis."""

from voicelink.models.parametric.codec import FEATURES, TONE, Encoder, features, files, filters
from voicelink.models.parametric.quantiser import PAYLOAD_BITS

__all__ = ["FEATURES", "PAYLOAD_BITS", "TONE", "Encoder", "features", "files", "filters"]
