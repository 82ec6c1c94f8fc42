"""A speech decoder in GNU Radio, for the tests, in a process of its own.

usage: gnuradio_listen.py stream FORM PAYLOADS AUDIO.npy
       gnuradio_listen.py data PAYLOADS AUDIO.npy
       gnuradio_listen.py clock PAYLOADS AUDIO.npy
       gnuradio_listen.py rx SPEECH.f32 AUDIO.npy

PAYLOADS is a file of 32 bytes a superframe (with `rx` it is float speech). AUDIO.npy gets what was
heard, with `clock` in the second of two runs, and standard output what the block says of it, as
JSON. In `data` and `clock` much arrives that is no payload, or a second time, or in another order,
and number 6 never.
"""

import json
import sys
import time

import numpy as np
import pmt
from gnuradio import blocks, gr

from voicelink.blocks.gnuradio import decoder, rx, tx
from voicelink.blocks.pdu import payload_to_pdu

LOST = 6
RUBBISH = [
    pmt.PMT_NIL,
    pmt.intern("noise"),
    pmt.cons(pmt.PMT_NIL, pmt.init_u8vector(31, [0] * 31)),
    pmt.cons(pmt.PMT_NIL, pmt.init_f32vector(256, [float("nan")] * 256)),
    pmt.cons(pmt.PMT_T, pmt.init_u8vector(32, [0] * 32)),
    pmt.cons(
        pmt.dict_add(pmt.make_dict(), pmt.intern("number"), pmt.intern("seven")),
        pmt.init_u8vector(32, [0] * 32),
    ),
    pmt.cons(pmt.PMT_NIL, pmt.init_c32vector(4, [1j] * 4)),
]


class Sender(gr.sync_block):
    """Publishes a superframe's messages at a time; ends after ``rest`` seconds."""

    def __init__(self, messages, seconds, rest):
        super().__init__("sender", [np.float32], None)
        self.message_port_register_out(pmt.intern("out"))
        self._messages = list(messages)
        self._seconds = seconds
        self._rest = rest

    def work(self, input_items, output_items):
        if self._messages:
            for message in self._messages.pop(0):
                self.message_port_pub(pmt.intern("out"), message)
            time.sleep(self._seconds)
            return 1
        time.sleep(self._rest)
        return -1


class Card(gr.sync_block):
    """A sound card: takes up to 80 samples every 10 ms."""

    def __init__(self):
        super().__init__("card", [np.float32], None)
        self.heard = []
        self._due = None

    def start(self):
        self._due = None
        return True

    def work(self, input_items, output_items):
        now = time.monotonic()
        if self._due is None or now > self._due + 0.05:
            self._due = now
        time.sleep(max(0, self._due - now))
        self._due += 0.01
        taken = input_items[0][:80]
        self.heard.append(taken.copy())
        return len(taken)


class Watch(gr.basic_block):
    """Keeps the status messages."""

    def __init__(self):
        super().__init__("watch", None, None)
        self.seen = []
        self.message_port_register_in(pmt.intern("in"))
        self.set_msg_handler(pmt.intern("in"), self.handle)

    def handle(self, message):
        self.seen.append(pmt.to_python(message))


def pdus(payloads):
    """Lists of messages, one for each superframe."""
    numbered = [
        payload_to_pdu(payload, number, number == len(payloads) - 1)
        for number, payload in enumerate(payloads)
    ]
    messages = [[pmt.deserialize_str(pdu)] for pdu in numbered]
    messages[3], messages[4] = [], [*messages[4], *messages[3]]
    messages[2] = messages[2] * 2
    messages[1] += RUBBISH
    messages[LOST] = []
    return messages


def stream(form, path, audio):
    payloads = np.fromfile(path, np.uint8)
    if form == "packed":
        source = blocks.vector_source_b(payloads.tolist())
    elif form == "bits":
        source = blocks.vector_source_b(np.unpackbits(payloads).tolist())
    else:
        source = blocks.vector_source_f((20 * (1 - 2.0 * np.unpackbits(payloads))).tolist())
    graph, block, sink = gr.top_block(), decoder(input=form), blocks.vector_sink_f()
    graph.connect(source, block, sink)
    graph.run()
    np.save(audio, np.array(sink.data(), np.float32))
    return {"errors": block.errors}


def messages(pace, path, audio):
    payloads = [p.tobytes() for p in np.fromfile(path, np.uint8).reshape(-1, 32)]
    clock = pace == "clock"
    block, watch = decoder(pace=pace, buffer=0.6 if clock else 0.03), Watch()
    report = []
    for _ in range(2 if clock else 1):
        graph, idle = gr.top_block(), blocks.null_source(gr.sizeof_float)
        # On a busy machine the end of the over is heard late, and the graph ends with it.
        sender = Sender(pdus(payloads), 0.32 if clock else 0, 3.0 if clock else 0.2)
        sink = Card() if clock else blocks.vector_sink_f()
        watch.seen.clear()
        graph.connect(idle, sender)
        graph.connect(block, sink)
        graph.msg_connect(sender, "out", block, "in")
        graph.msg_connect(block, "status", watch, "in")
        graph.run()
        report.append(
            {
                "counts": block.counts(),
                "errors": block.errors,
                "state": block.state,
                "seen": [[s["number"], s["status"], s["end"]] for s in watch.seen],
            }
        )
    heard = np.concatenate(sink.heard) if clock else np.array(sink.data(), np.float32)
    np.save(audio, heard)
    return report


def whole(path, audio):
    """Transmitter and receiver, joined by link frames."""
    speech = np.fromfile(path, np.float32)
    graph, sender, receiver = gr.top_block(), tx("half", "N0CALL"), rx(pace="data")
    source, sink = blocks.vector_source_f(speech.tolist()), blocks.vector_sink_f()
    graph.connect(source, sender)
    graph.connect(receiver, sink)
    graph.msg_connect(sender, "out", receiver, "in")
    graph.run()
    np.save(audio, np.array(sink.data(), np.float32))
    return {"counts": receiver.counts(), "callsign": receiver.callsign}


def main():
    kind, *arguments = sys.argv[1:]
    if kind == "stream":
        report = stream(*arguments)
    elif kind == "rx":
        report = whole(*arguments)
    else:
        report = messages(kind, *arguments)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
