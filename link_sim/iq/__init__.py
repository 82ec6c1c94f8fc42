"""Radio paths and receivers for complex samples, as a modem sends and gets them.

`effects_from` makes effects from YAML or a name, and `IqChain` runs them. Levels are relative to a
signal of mean power 1, which is what our `Modulator` sends.
"""

from voicelink.link_sim.iq.chain import IqChain
from voicelink.link_sim.iq.clipping import Clipping
from voicelink.link_sim.iq.clock import Clock
from voicelink.link_sim.iq.compose import EFFECTS, effects_from, ready_made
from voicelink.link_sim.iq.dc_offset import DcOffset
from voicelink.link_sim.iq.effect import Effect
from voicelink.link_sim.iq.frequency import Frequency
from voicelink.link_sim.iq.imbalance import Imbalance
from voicelink.link_sim.iq.impulses import Impulses
from voicelink.link_sim.iq.multipath import Multipath
from voicelink.link_sim.iq.noise import Noise
from voicelink.link_sim.iq.quantisation import Quantisation
from voicelink.link_sim.iq.watterson import Watterson

__all__ = [
    "EFFECTS",
    "Clipping",
    "Clock",
    "DcOffset",
    "Effect",
    "Frequency",
    "Imbalance",
    "Impulses",
    "IqChain",
    "Multipath",
    "Noise",
    "Quantisation",
    "Watterson",
    "effects_from",
    "ready_made",
]
