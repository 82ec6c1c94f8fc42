"""The verbs of the command line, one module each.

A module has ``HELP`` (one line), ``add_arguments(parser)`` and ``run(args) -> int`` (the exit
status), and imports what is heavy inside ``run``.
"""

VERBS = (
    "demo",
    "encode",
    "decode",
    "sim",
    "sweep",
    "report",
    "channel",
    "send",
    "receive",
    "devices",
    "modulate",
    "demodulate",
    "field",
    "modem",
    "eval",
    "grc",
    "models",
)
