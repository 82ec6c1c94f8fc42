"""The other end of a link, in a process of its own: what the ZeroMQ tests talk to.

usage: zeromq_peer.py send|receive ADDRESS PATTERN bind|connect raw|pdu FIRST COUNT

Prints its endpoint, then, receiving, one line a packet: its number and its bytes in hex. Sends
COUNT frames from FIRST on once somebody listens, and waits for its input to close.
"""

import sys

import numpy as np

from voicelink.blocks.packet import Packet
from voicelink.blocks.zeromq import FrameReceiver, FrameSender

WAIT_S = 30


def frame(number: int) -> Packet:
    """A frame of 37 bytes that no other number has."""
    return Packet(np.frombuffer(number.to_bytes(37, "big"), np.uint8), number)


def main() -> None:
    verb, address, pattern, end, form, first, count = sys.argv[1:]
    numbers = range(int(first), int(first) + int(count))
    if verb == "send":
        with FrameSender(address, pattern, bind=end == "bind", form=form) as sender:
            print(sender.endpoint, flush=True)
            sender.wait_for_peer(WAIT_S)
            for number in numbers:
                sender.send(frame(number), timeout_s=WAIT_S)
            sys.stdin.read()
        return
    with FrameReceiver(address, pattern, bind=end == "bind", form=form) as receiver:
        print(receiver.endpoint, flush=True)
        for _ in numbers:
            packet = receiver.receive(WAIT_S)
            print(packet and packet.number, packet and packet.data.tobytes().hex(), flush=True)


if __name__ == "__main__":
    main()
