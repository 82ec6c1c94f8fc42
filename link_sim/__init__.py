"""Channels, the simulation of a whole link, and the command line."""
