"""Evaluation of codecs: ours and those that this machine has, by the same measures."""
