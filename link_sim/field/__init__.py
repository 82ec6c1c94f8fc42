"""Signals in files and from radios: reading, writing, recording, hearing them again, reporting."""
