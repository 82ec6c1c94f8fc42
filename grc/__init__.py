"""Flowgraphs and block descriptions for GNU Radio Companion, as files of the package.

``zeromq_monitor.grc`` prints the link frames that ``voicelink send --pdu`` publishes; it uses
blocks of GNU Radio's own alone. `blocks/TRANSPORT.md` says what the messages are.
"""
