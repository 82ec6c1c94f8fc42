"""GNU Radio's face of the link: thin blocks around the stages of `voicelink.blocks`.

Needs GNU Radio 3.10; nothing else of the package imports it. Nothing that arrives at a block, be
it a message, a tag or a sample, stops the flowgraph: what is of no use is counted and dropped.
"""

from voicelink.blocks.gnuradio.console import console
from voicelink.blocks.gnuradio.decoder import decoder
from voicelink.blocks.gnuradio.deframer import deframer
from voicelink.blocks.gnuradio.demodulator import demodulator
from voicelink.blocks.gnuradio.encoder import encoder
from voicelink.blocks.gnuradio.framer import framer
from voicelink.blocks.gnuradio.modulator import modulator
from voicelink.blocks.gnuradio.radio_sink import radio_sink
from voicelink.blocks.gnuradio.radio_source import radio_source
from voicelink.blocks.gnuradio.recording import recording
from voicelink.blocks.gnuradio.rx import rx
from voicelink.blocks.gnuradio.sync import sync
from voicelink.blocks.gnuradio.tx import tx

__all__ = [
    "console",
    "decoder",
    "deframer",
    "demodulator",
    "encoder",
    "framer",
    "modulator",
    "radio_sink",
    "radio_source",
    "recording",
    "rx",
    "sync",
    "tx",
]
