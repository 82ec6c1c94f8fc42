"""The link's own waveform: packets to complex baseband and back (FORMAT.md, "Waveform")."""

from voicelink.blocks.modem.burst import Burst
from voicelink.blocks.modem.demodulator import Demodulator
from voicelink.blocks.modem.mode import BURST_SAMPLES, MODEM_RATE, Layout, Mode, mode, modes
from voicelink.blocks.modem.modulator import Modulator
from voicelink.blocks.modem.passband import CENTRE, Downconverter, to_passband

__all__ = [
    "BURST_SAMPLES",
    "CENTRE",
    "MODEM_RATE",
    "Burst",
    "Demodulator",
    "Downconverter",
    "Layout",
    "Mode",
    "Modulator",
    "mode",
    "modes",
    "to_passband",
]
