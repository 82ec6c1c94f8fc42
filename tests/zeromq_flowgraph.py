"""One end of a voice link in GNU Radio, in a process of its own, with gr-zeromq's blocks.

usage: zeromq_flowgraph.py transmit pub|push FORM PROFILE SPEECH.npy PAYLOADS
       zeromq_flowgraph.py receive sub|pull FORM PROFILE ADDRESS PAYLOADS AUDIO.npy

FORM is message, tagged, stream, or noisy: floats with noise, without tags. `transmit` prints the
address that it binds and sends silence until it gets a line, because a PUB sink sends whether or
not somebody listens; then the speech, and ends the over. It ends when its input does. `receive`
prints a line when it hears the first frame, and ends with the over. PAYLOADS gets the payloads that
the encoder made, or the deframer found.
"""

import sys
import threading
import time
from pathlib import Path

import numpy as np
import pmt
from gnuradio import analog, blocks, digital, gr, pdu, zeromq

from voicelink.blocks.gnuradio import decoder, deframer, encoder, framer, sync

LOCAL = "tcp://127.0.0.1:*"
POLL_MS = 10
SUPERFRAME = 2560


class Speech(gr.sync_block):
    """Silence, a superframe every 20 ms, until it may begin; then the speech and the end."""

    def __init__(self, speech):
        super().__init__("speech", None, [np.float32])
        self.may_begin = threading.Event()
        self._rest = speech
        self.set_output_multiple(SUPERFRAME)

    def work(self, _, output_items):
        out = output_items[0][:SUPERFRAME]
        if not self.may_begin.is_set():
            time.sleep(0.02)
            out[:] = 0
            return len(out)
        if not len(self._rest):
            return -1
        count = min(len(out), len(self._rest))
        out[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        if not len(self._rest):
            last = self.nitems_written(0) + count - 1
            self.add_item_tag(0, last, pmt.intern("ptt"), pmt.PMT_F)
        return count


class Payloads(gr.basic_block):
    """Writes the payloads that come by to a file."""

    def __init__(self, path):
        super().__init__("payloads", None, None)
        self.message_port_register_in(pmt.intern("in"))
        self.set_msg_handler(pmt.intern("in"), self.take)
        self.count = 0
        self.ended = False
        self._path = Path(path)
        self._path.write_bytes(b"")

    def take(self, message):
        if not self.count:
            print("heard", flush=True)
        with self._path.open("ab") as file:
            file.write(bytes(pmt.u8vector_elements(pmt.cdr(message))))
        self.count += 1
        end = pmt.dict_ref(pmt.car(message), pmt.intern("end"), pmt.PMT_F)
        self.ended = self.ended or pmt.to_bool(end)


def transmit(pattern, form, profile, speech, payloads):
    graph = gr.top_block()
    source = Speech(np.load(speech))
    voice = encoder()
    # The tail, because GNU Radio's blocks may hold back a few items until more come.
    framing = {"sync_word": True, "tail": 16} if form in ("stream", "noisy") else {}
    link = framer(profile=profile, callsign="N0CALL", **framing)
    store = Payloads(payloads)
    graph.connect(source, voice)
    graph.msg_connect(voice, "out", link, "in")
    graph.msg_connect(voice, "out", store, "in")
    if form == "message":
        sink = getattr(zeromq, f"{pattern}_msg_sink")(LOCAL, POLL_MS, True)
        graph.msg_connect(link, "out", sink, "in")
    else:
        size = gr.sizeof_float if form == "noisy" else gr.sizeof_char
        sink = getattr(zeromq, f"{pattern}_sink")(size, 1, LOCAL, POLL_MS, form == "tagged")
        stream = pdu.pdu_to_tagged_stream(gr.types.byte_t, "packet_len")
        graph.msg_connect(link, "out", stream, "pdus")
        if form == "noisy":
            noise = analog.noise_source_f(analog.GR_GAUSSIAN, 0.5, 7)
            add = blocks.add_ff()
            graph.connect(stream, blocks.packed_to_unpacked_bb(1, gr.GR_MSB_FIRST),
                          digital.chunks_to_symbols_bf([0.7, -0.7]), (add, 0))  # fmt: skip
            graph.connect(noise, (add, 1))
            graph.connect(add, sink)
        else:
            graph.connect(stream, sink)
    print(sink.last_endpoint(), flush=True)
    graph.start()
    sys.stdin.readline()
    source.may_begin.set()
    sys.stdin.read()
    graph.stop()
    graph.wait()


def receive(pattern, form, profile, address, payloads, audio):
    graph = gr.top_block()
    unpack = deframer(profile=profile)
    voice = decoder(pace="data")
    heard = blocks.vector_sink_f()
    store = Payloads(payloads)
    if form == "message":
        source = getattr(zeromq, f"{pattern}_msg_source")(address, POLL_MS)
        graph.msg_connect(source, "out", unpack, "in")
    else:
        source = getattr(zeromq, f"{pattern}_source")(1, 1, address, POLL_MS, form == "tagged")
    if form == "tagged":
        frames = pdu.tagged_stream_to_pdu(gr.types.byte_t, "packet_len")
        graph.connect(source, frames)
        graph.msg_connect(frames, "pdus", unpack, "in")
    elif form == "stream":
        frames = sync(profile=profile, slip=0)
        graph.connect(source, blocks.packed_to_unpacked_bb(1, gr.GR_MSB_FIRST),
                      digital.chunks_to_symbols_bf([1, -1]), frames)  # fmt: skip
        graph.msg_connect(frames, "out", unpack, "in")
    graph.msg_connect(unpack, "ok", voice, "in")
    graph.msg_connect(unpack, "ok", store, "in")
    graph.connect(voice, heard)
    graph.start()
    while not store.ended or len(heard.data()) < SUPERFRAME * store.count:
        time.sleep(0.01)
    graph.stop()
    graph.wait()
    np.save(audio, np.float32(heard.data()))


if __name__ == "__main__":
    {"transmit": transmit, "receive": receive}[sys.argv[1]](*sys.argv[2:])
