"""Sweeps: a link simulated over a grid of channels, profiles, models, recordings and seeds.

`read_sweep` reads and checks one, `run_sweep` works through its points in many processes and keeps
each in a folder as soon as it is done.
"""

from voicelink.link_sim.sweeping.read import read_sweep, sweep_names
from voicelink.link_sim.sweeping.run import Outcome, run_sweep
from voicelink.link_sim.sweeping.sweep import Point, Sweep

__all__ = ["Outcome", "Point", "Sweep", "read_sweep", "run_sweep", "sweep_names"]
