"""Limiter block: the last thing before a transmitter's converter."""

from __future__ import annotations

import math

import numpy as np
import pmt
from gnuradio import gr

from voicelink.blocks.gnuradio.guard import Guarded, guarded

KNEE = 0.8
"""Magnitude from which samples are bent."""

_FIRST, _LAST = pmt.intern("tx_sob"), pmt.intern("tx_eob")


def soft_limit(samples: np.ndarray, knee: float = KNEE) -> np.ndarray:
    """Complex samples (n,) with magnitudes below 1: those beyond ``knee`` are bent smoothly.

    knee + (1 - knee) tanh((|s| - knee) / (1 - knee)); the phase stays. What is no number is 0.

    >>> np.abs(soft_limit(np.array([0.5, 0.9, 100j], np.complex64))).round(3)
    array([0.5  , 0.892, 1.   ], dtype=float32)
    """
    magnitude = np.abs(samples)
    if not len(samples) or magnitude.max() <= knee:  # a NaN is not
        return samples
    samples = np.where(np.isfinite(magnitude), samples, 0)
    magnitude = np.abs(samples)
    bent = knee + (1 - knee) * np.tanh((magnitude - knee) / (1 - knee))
    # Below 1 in the converter's arithmetic too.
    bent = np.minimum(bent, np.float32(1 - 2**-20))
    gain = np.where(magnitude > knee, bent / np.maximum(magnitude, knee), 1)
    return (samples * gain).astype(np.complex64)


class limiter(Guarded, gr.sync_block):
    """Keeps a signal within full scale, and its burst tags on the samples that they mean.

    Ports:
        stream in: complex.
        stream out: complex, of magnitude below 1. A ``tx_eob`` moves from the first of the samples
            that resampling made of one to the last.

    Args:
        repeat: output samples of the resampler before this for each of its input samples.
    """

    def __init__(self, repeat: float = 1.0) -> None:
        self._shift = math.ceil(repeat) - 1
        self._last: list[int] = []
        gr.sync_block.__init__(self, "voicelink_limiter", [np.complex64], [np.complex64])
        self.set_tag_propagation_policy(gr.TPP_DONT)

    @guarded(otherwise=lambda self, inputs, outputs: outputs[0].fill(0) or len(outputs[0]))
    def work(self, input_items, output_items) -> int:
        """GNU Radio's call."""
        output_items[0][:] = soft_limit(input_items[0])
        begin, end = self.nitems_read(0), self.nitems_read(0) + len(input_items[0])
        for tag in self.get_tags_in_range(0, begin, end):
            if pmt.eq(tag.key, _LAST):
                self._last.append(tag.offset + self._shift)
            elif pmt.eq(tag.key, _FIRST):
                self.add_item_tag(0, tag.offset, tag.key, tag.value)
        while self._last and self._last[0] < end:
            self.add_item_tag(0, self._last.pop(0), _LAST, pmt.PMT_T)
        return len(input_items[0])
