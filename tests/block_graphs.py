"""Flowgraphs of encoder, framer, deframer and transmitter blocks; `graph.run_graph` runs them."""

import logging
import sys
import time

import numpy as np
import pmt
from gnuradio import blocks, gr
from graph import serve

from voicelink.blocks import gnuradio as voicelink
from voicelink.blocks.link import LinkDecoder, LinkEncoder
from voicelink.blocks.packet import Packet
from voicelink.blocks.pdu import packet_to_pdu
from voicelink.blocks.snr import symbol_statistics
from voicelink.models.errors import ParameterError

IN = pmt.intern("in")
SYSTEM = pmt.intern("system")
DONE = pmt.cons(pmt.intern("done"), pmt.from_long(1))


def speech(seed=1, samples=30000):
    """Something to encode: noise whose level goes up and down."""
    level = np.sin(np.arange(samples) / 3000)
    return (0.3 * level * np.random.default_rng(seed).standard_normal(samples)).astype(np.float32)


def pdu(data, number=None, **metadata):
    """A PDU of uint8 or float32 items."""
    return pmt.deserialize_str(packet_to_pdu(Packet(np.asarray(data), number, metadata)))


def stored(store):
    """The messages in a message_debug."""
    return [store.get_message(i) for i in range(store.num_messages())]


def contents(store):
    """The PDUs in a message_debug: metadata and items of each."""
    return [
        [pmt.to_python(pmt.car(m)) or {}, pmt.to_python(pmt.cdr(m)).tolist()] for m in stored(store)
    ]


def pdus_of(source, block, chunk=100000, runs=1):
    """The PDUs that a block makes of a stream, in so many runs of one graph."""
    graph, store = gr.top_block(), blocks.message_debug()
    graph.connect(source, block)
    graph.msg_connect(block, "out", store, "store")
    for _ in range(runs):
        source.rewind()
        graph.run(chunk)
    return contents(store)


def run_messages(block, messages, ports=("out",)):
    """Send the messages to a block that has no streams; the PDUs that come out of its ports."""
    graph = gr.top_block()
    stores = [blocks.message_debug() for _ in ports]
    for port, store in zip(ports, stores, strict=True):
        graph.msg_connect(block, port, store, "store")
    for message in messages:
        block.to_basic_block()._post(IN, message)
    # A graph of messages ends by itself when its first block is told so.
    block.to_basic_block()._post(SYSTEM, DONE)
    graph.run()
    return [contents(store) for store in stores]


def run_stream(block, audio, chunk=100000, tags=(), stream=True):
    """Audio through an encoder: the stream, the tags' (offset, value), and the PDUs."""
    graph = gr.top_block()
    source = blocks.vector_source_f(audio.tolist(), False, 1, list(tags))
    store = blocks.message_debug()
    graph.connect(source, block)
    sink = blocks.vector_sink_b() if stream else None
    if stream:
        graph.connect(block, sink)
    graph.msg_connect(block, "out", store, "store")
    graph.run(chunk)
    found = [(t.offset, pmt.to_python(t.value)) for t in sink.tags()] if stream else []
    return {
        "items": list(sink.data()) if stream else [],
        "tags": found,
        "pdus": contents(store),
        "errors": block.errors,
    }


def versions():
    return {"numpy": np.__version__, "gnuradio": gr.version()}


def encoder_forms():
    """The encoder's outputs, each with the audio in pieces of other sizes."""
    return [
        run_stream(voicelink.encoder(output=output), speech(), chunk, stream=output != "pdu")
        for output, chunk in (("pdu", 777), ("packed", 64), ("bits", 5000), ("packed", 100000))
    ]


def switch_by_tags():
    """Overs from sample 3000 to 12345 and from 20000 on; a tag that means nothing in between."""
    tags = [
        gr.tag_utils.python_to_tag((offset, pmt.intern("ptt"), value, pmt.PMT_NIL))
        for offset, value in (
            (3000, pmt.PMT_T),
            (12345, pmt.cons(pmt.intern("pressed"), pmt.PMT_F)),
            (15000, pmt.intern("maybe")),
            (20000, pmt.PMT_T),
        )
    ]
    return run_stream(voicelink.encoder(output="packed", transmit=False), speech(), tags=tags)


class Keyed(gr.sync_block):
    """Audio that lets go of a switch half way, by message."""

    def __init__(self, audio):
        super().__init__("keyed", None, [np.float32])
        self.message_port_register_out(pmt.intern("ptt"))
        self._audio, self._half, self._told = audio, len(audio) // 2, False

    def work(self, _, output_items):
        at = self.nitems_written(0)
        if at >= len(self._audio):
            return -1
        if at == self._half and not self._told:
            self.message_port_pub(pmt.intern("ptt"), pmt.PMT_F)
            self._told = True
        part = self._audio[at : self._half if at < self._half else None][: len(output_items[0])]
        output_items[0][: len(part)] = part
        return len(part)


def switch_by_message():
    """The encoder inside of a transmitter, switched off by a message; which sample is not exact."""
    graph = gr.top_block()
    source, sender, store = Keyed(speech()), voicelink.tx(), blocks.message_debug()
    graph.connect(source, sender)
    graph.msg_connect(source, "ptt", sender, "ptt")
    graph.msg_connect(sender, "out", store, "store")
    graph.run()
    return contents(store)


def run_again():
    """Start, stop and start again: speech that ends within a superframe, twice, then switched."""
    graph = gr.top_block()
    source = blocks.vector_source_f(speech(samples=9000).tolist())
    encoder, framer = voicelink.encoder(), voicelink.framer(callsign="N0CALL")
    deframer, store = voicelink.deframer(), blocks.message_debug()
    graph.connect(source, encoder)
    graph.msg_connect(encoder, "out", framer, "in")
    graph.msg_connect(framer, "out", deframer, "in")
    graph.msg_connect(deframer, "ok", store, "store")
    runs = []
    for _ in range(2):
        source.rewind()
        graph.start()
        graph.wait()
        runs.append({"pdus": contents(store), "counts": dict(deframer.counts)})
    return runs


def two_encoders():
    """Two transmitters in one graph, which hear other voices and send in other profiles."""
    graph = gr.top_block()
    settings = [("half", "N0CALL"), ("third", "AB1CD")]
    senders = [voicelink.tx(profile, callsign) for profile, callsign in settings]
    receivers = [voicelink.deframer() for _ in settings]
    stores = [blocks.message_debug() for _ in settings]
    sources = [blocks.vector_source_f(speech(seed).tolist()) for seed in (1, 2)]
    for source, sender, receiver, store in zip(sources, senders, receivers, stores, strict=True):
        graph.connect(source, sender)
        graph.msg_connect(sender, "out", receiver, "in")
        graph.msg_connect(receiver, "ok", store, "store")
    graph.run()
    return [contents(store) for store in stores]


def frames(payloads, framer):
    """Payloads, given as [hex, number, end], through a framer with those settings."""
    messages = [
        pdu(np.frombuffer(bytes.fromhex(data), np.uint8), number, end=end)
        for data, number, end in payloads
    ]
    (out,) = run_messages(voicelink.framer(**framer), messages)
    return out


def deframed(packets, deframer):
    """Packets, as [u8 or f32, items, number, end], through a deframer with those settings."""
    types = {"u8": np.uint8, "f32": np.float32}
    block = voicelink.deframer(**deframer)
    messages = [
        pdu(np.array(items, types[kind]), number, **dict(zip(["end"], rest, strict=False)))
        for kind, items, number, *rest in packets
    ]
    ok, fail = run_messages(block, messages, ("ok", "fail"))
    return {"ok": ok, "fail": fail, "counts": block.counts, "errors": block.errors}


def junk():
    """Messages that no port takes."""
    vector = pmt.init_u8vector(74, [0] * 74)
    deep = pmt.PMT_NIL
    for _ in range(200):
        deep = pmt.cons(deep, pmt.PMT_NIL)
    huge = pmt.make_dict()
    for i in range(3000):
        huge = pmt.dict_add(huge, pmt.from_long(i), pmt.init_f32vector(200, [0.0] * 200))
    number = pmt.intern("number")
    return [
        pmt.PMT_NIL,
        pmt.PMT_T,
        pmt.from_long(7),
        pmt.intern("frame"),
        vector,
        pmt.make_vector(3, pmt.PMT_NIL),
        pmt.cons(pmt.PMT_NIL, pmt.PMT_NIL),
        pmt.cons(vector, pmt.PMT_NIL),
        pmt.cons(pmt.PMT_T, vector),
        pmt.cons(deep, vector),
        pmt.cons(huge, vector),
        pmt.cons(pmt.PMT_NIL, pmt.init_s16vector(74, [0] * 74)),
        pmt.cons(pmt.PMT_NIL, pmt.init_c32vector(74, [0] * 74)),
        pmt.cons(pmt.PMT_NIL, pmt.init_u8vector(0, [])),
        *(pmt.cons(pmt.PMT_NIL, pmt.init_u8vector(n, [1] * n)) for n in (1, 31, 33, 73, 75, 5000)),
        pmt.cons(pmt.PMT_NIL, pmt.init_u8vector(592, [2] * 592)),
        *(pmt.cons(pmt.PMT_NIL, pmt.init_f32vector(n, [1.0] * n)) for n in (1, 255, 591, 593)),
        *(
            pmt.cons(pmt.PMT_NIL, pmt.init_f32vector(592, [value] * 592))
            for value in (float("nan"), float("inf"))
        ),
        *(
            pmt.cons(pmt.dict_add(pmt.make_dict(), number, value), vector)
            for value in (pmt.from_long(-1), pmt.from_double(1.0), pmt.intern("3"), pmt.PMT_T)
        ),
    ]


def nonsense():
    """Junk to each block, with something valid before and after it."""
    messages = junk()
    result = {}
    for name, ports, size in (("framer", ("out",), 32), ("deframer", ("ok", "fail"), 37)):
        block = getattr(voicelink, name)()
        valid = np.zeros(size, np.uint8)
        if name == "deframer":
            packets = frames([["11" * 32, 5, False]], {"profile": "checked"})
            valid = np.array(packets[0][1], np.uint8)
        good = pdu(valid, 5)
        out = run_messages(block, [good, *messages, good], ports)[0]
        result[name] = {"out": out, "errors": block.errors, "sent": len(messages)}
    encoder = voicelink.encoder()
    for message in messages[:8]:
        encoder.to_basic_block()._post(pmt.intern("ptt"), message)
    audio = speech()
    audio[4000:5000] = np.nan
    audio[6000:7000] = np.inf
    result["encoder"] = run_stream(encoder, audio, stream=False)
    return result


def storm():
    """An over of 60 frames into a running receiver: junk between them, some twice, some swapped."""
    graph, receiver, sink = gr.top_block(), voicelink.rx(pace="data", buffer=1), blocks.null_sink(4)
    store = blocks.message_debug()
    graph.connect(receiver, sink)
    graph.msg_connect(receiver, "status", store, "store")
    link, random = LinkEncoder("half", callsign="N0CALL"), np.random.default_rng(1)
    sent = [pdu(link.encode(random.bytes(32), end=k == 59).data) for k in range(60)]
    for k in range(1, 57, 4):
        sent[k], sent[k + 1] = sent[k + 1], sent[k]
    bad = junk()
    graph.start()
    for k, message in enumerate(sent):
        for each in (bad[k % len(bad)], *[message] * (1 + (k % 5 == 0)), bad[-1 - k % len(bad)]):
            receiver.deframer.to_basic_block()._post(IN, each)
            receiver.decoder.to_basic_block()._post(IN, bad[k % len(bad)])
        time.sleep(0.005)
    receiver.deframer.to_basic_block()._post(SYSTEM, DONE)
    graph.wait()
    played = [pmt.to_python(message) for message in stored(store)]
    return {
        "numbers": [superframe["number"] for superframe in played],
        "statuses": [superframe["status"] for superframe in played],
        "counts": receiver.counts(),
        "errors": receiver.deframer.errors,
        "callsign": receiver.callsign,
    }


class DecodedAhead:
    """A link decoder that has decoded already what comes, in batches: eight times as fast.

    Every 20th packet it decodes again by itself; it is an error if that is not the same.
    """

    def __init__(self, link, packets):
        decoder = LinkDecoder("half")
        self._link = link
        self.profile_of = link.profile_of
        self._frames = [
            frame
            for start in range(0, len(packets), 500)
            for frame in decoder.decode_many(packets[start : start + 500])
        ]

    def decode(self, packet):
        frame = self._frames.pop(0)
        if len(self._frames) % 20 == 0:
            alone = self._link.decode(packet)
            assert (alone.status, alone.header) == (frame.status, frame.header)
            np.testing.assert_array_equal(alone.payload_llr, frame.payload_llr)
        return frame


def noise(count, demodulated):
    """Frames of noise in the profile half, into the deframer.

    Demodulated, with LLRs as an estimate of amplitude and noise makes them; else with LLRs that
    claim far more than they know.
    """
    symbols = np.random.default_rng(3).standard_normal((count, 592)).astype(np.float32)
    block = voicelink.deframer()
    if demodulated:
        pdus = [pdu(symbol_statistics(y).llr(y)) for y in symbols]
    else:
        llrs = 4 * symbols
        block._link = DecodedAhead(block._link, llrs)
        # As the synchroniser says it, so that it need not be estimated.
        pdus = [pdu(llr, ebn0_db=-20.0) for llr in llrs]
    ok, fail = run_messages(block, pdus, ("ok", "fail"))
    statuses = [metadata["status"] for metadata, _ in fail]
    return {
        "ok": len(ok),
        "concealed": statuses.count("concealed"),
        "soft": statuses.count("soft"),
        "foreign": block.counts["foreign"],
        "errors": block.errors,
    }


def station_frames(spread):
    """Two overs through framer and deframer, with station frames; the first begins by ptt.

    For the first over what comes of the switch alone, then the numbers, callsigns and ends of the
    payloads, what the station frames said, and the counts.
    """
    block = voicelink.framer(
        "half", "N0CALL", identify=True, text="hello to all of you", spread=spread
    )
    deframer = voicelink.deframer()
    graph, sent, ok, said = gr.top_block(), *(blocks.message_debug() for _ in range(3))
    graph.msg_connect(block, "out", sent, "store")
    graph.msg_connect(block, "out", deframer, "in")
    graph.msg_connect(deframer, "ok", ok, "store")
    graph.msg_connect(deframer, "station", said, "store")
    graph.start()
    for switch in (pmt.PMT_F, pmt.PMT_T, pmt.PMT_T):
        block.to_basic_block()._post(pmt.intern("ptt"), switch)
    while sent.num_messages() < 1:
        time.sleep(0.01)
    opened = sent.num_messages()
    for count in (6, 4):
        for number in range(count):
            payload = np.full(32, count + number, np.uint8)
            block.to_basic_block()._post(IN, pdu(payload, number, end=number == count - 1))
    block.to_basic_block()._post(SYSTEM, DONE)
    graph.wait()
    payloads = contents(ok)
    return {
        "opened": opened,
        "numbers": [metadata["number"] for metadata, _ in contents(sent)],
        "payloads": [items[0] for _, items in payloads],
        "callsigns": [metadata.get("callsign") for metadata, _ in payloads],
        "ends": [metadata["end"] for metadata, _ in payloads],
        "said": [pmt.to_python(message) for message in stored(said)],
        "counts": deframer.counts,
        "errors": block.errors + deframer.errors,
    }


def two_overs():
    """Two overs into a receiver at the data's pace; the frame before the end of the first is lost.

    What became of the superframes: number, status and end of each.
    """
    graph, receiver, sink = gr.top_block(), voicelink.rx(pace="data"), blocks.null_sink(4)
    store = blocks.message_debug()
    graph.connect(receiver, sink)
    graph.msg_connect(receiver, "status", store, "store")
    random = np.random.default_rng(2)
    for over in range(2):
        link = LinkEncoder("half")
        for k in range(5):
            frame = pdu(link.encode(random.bytes(32), end=k == 4).data)
            if (over, k) != (0, 3):
                receiver.deframer.to_basic_block()._post(IN, frame)
    receiver.deframer.to_basic_block()._post(SYSTEM, DONE)
    graph.run()
    played = [pmt.to_python(message) for message in stored(store)]
    return [[each["number"], each["status"], each["end"]] for each in played]


def voice_over(model, voice):
    """An over whose sender's voice is in a file, from audio to audio: what comes out of each block
    in between, by its metadata, and in whose voice it is heard."""
    graph = gr.top_block()
    source = blocks.vector_source_f(speech(samples=3 * 2560 + 1600).tolist())
    sender = voicelink.tx("half", "N0CALL", model, voice=voice)
    modulator = voicelink.modulator(pace="data", model=model)
    demodulator = voicelink.demodulator(model=model)
    receiver = voicelink.rx(model=model, pace="data")
    sink = blocks.vector_sink_f()
    stores = {name: blocks.message_debug() for name in ("payloads", "frames", "status")}
    graph.connect(source, sender)
    graph.msg_connect(sender.encoder, "out", stores["payloads"], "store")
    graph.msg_connect(sender, "out", stores["frames"], "store")
    graph.msg_connect(sender, "out", modulator, "in")
    graph.connect(modulator, demodulator)
    graph.msg_connect(demodulator, "out", receiver, "in")
    graph.msg_connect(receiver, "status", stores["status"], "store")
    graph.connect(receiver, sink)
    graph.run()
    played = [pmt.to_python(message) for message in stored(stores["status"])]
    return {
        "payloads": [
            [bytes(metadata["voice"]).hex(), metadata["silent"], len(items)]
            for metadata, items in contents(stores["payloads"])
        ],
        "frames": [
            [metadata["number"], len(items)] for metadata, items in contents(stores["frames"])
        ],
        "played": [[each["number"], each["status"]] for each in played],
        "samples": len(sink.data()),
        "counts": receiver.counts(),
        "errors": sender.encoder.errors + sender.framer.errors + receiver.decoder.errors,
    }


def refusal(block, arguments, kind=ParameterError):
    """What a block says of arguments that it cannot have; "" where it takes them."""
    try:
        block(**arguments)
    except kind as error:
        return str(error)
    return ""


def refusals(cases):
    """What each block says of arguments that it cannot have: [[name, arguments], ...]."""
    return [refusal(getattr(voicelink, name), arguments) for name, arguments in cases]


if __name__ == "__main__":
    logging.basicConfig(stream=sys.stderr)
    serve(globals())
