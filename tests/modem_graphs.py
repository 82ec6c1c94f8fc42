"""Flowgraphs of the modem's blocks; `graph.run_graph` runs them."""

import contextlib
import io
import resource

import numpy as np
import pmt
from block_graphs import DONE, IN, SYSTEM, contents, junk, pdu, pdus_of, refusal
from gnuradio import blocks, gr
from graph import serve

from voicelink.blocks import gnuradio as voicelink
from voicelink.blocks.gnuradio.limiter import limiter
from voicelink.blocks.gnuradio.samples_sink import samples_sink
from voicelink.blocks.link import LinkEncoder
from voicelink.models.errors import VoiceLinkError


def frames(count, seed, end=True):
    """PDUs of an over in the profile half."""
    link, random = LinkEncoder("half", callsign="N0CALL"), np.random.default_rng(seed)
    last = count - 1 if end else None
    packets = [link.encode(random.bytes(32), end=k == last) for k in range(count)]
    return [pdu(packet.data, k, end=k == last) for k, packet in enumerate(packets)]


def sent(block, messages, samples=0):
    """What a modulator makes of messages: of ``samples`` > 0 the first so many."""
    graph, sink = gr.top_block(), blocks.vector_sink_c()
    chain = [block, blocks.head(gr.sizeof_gr_complex, samples), sink] if samples else [block, sink]
    graph.connect(*chain)
    port = block.to_basic_block()
    for message in messages:
        port._post(IN, message)
    if not samples:
        port._post(SYSTEM, DONE)
    graph.run()
    tags = [[tag.offset, pmt.symbol_to_string(tag.key)] for tag in sink.tags()]
    return np.array(sink.data(), np.complex64), tags


def told(block, signal, path, tags=()):
    """Saves a signal; what there is to say of it and of the modulator."""
    np.save(path, signal)
    return {"tags": tags, "bursts": block.bursts, "gaps": block.gaps, "errors": block.errors}


def overs(path):
    """Two overs of 3 frames and one of 2 without an end, by their data."""
    block = voicelink.modulator(pace="data", lead=0.2, tail=0.1)
    messages = frames(3, 1) + frames(3, 2) + frames(2, 3, end=False)
    signal, tags = sent(block, messages)
    return told(block, signal, path, tags)


def clocked(path):
    """By the clock: an over of 2 frames, one whose frames stop, and silence."""
    block = voicelink.modulator()
    signal, tags = sent(block, frames(2, 1) + frames(1, 2, end=False), 20000)
    return told(block, signal, path, tags)


def nonsense(path):
    """Junk between the frames of an over."""
    block = voicelink.modulator(pace="data", lead=0, tail=0)
    first, second = frames(2, 1)
    bad = junk()
    signal, tags = sent(block, [*bad, first, *bad, second, *bad])
    return told(block, signal, path, tags) | {"sent": 3 * len(bad)}


def found(path, chunk=100000, runs=1):
    """What the demodulator finds in a signal in portions of at most ``chunk`` samples."""
    block = voicelink.demodulator()
    return {
        "pdus": pdus_of(blocks.vector_source_c(np.load(path).tolist()), block, chunk, runs),
        "counts": [block.bursts, block.confirmed, block.errors],
        "read": block.nitems_read(0),
    }


def by_radio(path, rate, offset):
    """An over through a radio's rates by way of a file: Es/N0 and frequency of its bursts."""
    graph, block = gr.top_block(), voicelink.modulator(pace="data")
    sink = voicelink.radio_sink(f"file:{path}", 145e6, rate=rate, offset=offset, pace="data")
    graph.connect(block, sink)
    for message in frames(3, 1):
        block.to_basic_block()._post(IN, message)
    block.to_basic_block()._post(SYSTEM, DONE)
    graph.run()
    graph, block, store = gr.top_block(), voicelink.demodulator(), blocks.message_debug()
    file = f"file:{path}@{145e6 - offset:.0f}"
    source = voicelink.radio_source(file, 145e6, rate=rate, pace="data")
    graph.connect(source, block)
    graph.msg_connect(block, "out", store, "store")
    graph.run()
    seconds = len(np.fromfile(path, np.complex64)) / rate
    return [[burst["esn0_db"], burst["frequency"]] for burst, _ in contents(store)], seconds


def recorded(path, longest=0.0):
    """A recording through an encoder that waits for its switch: payloads, ends, overs cut."""
    graph, store = gr.top_block(), blocks.message_debug()
    source = voicelink.recording(path, pace="data")
    encoder = voicelink.encoder(transmit=False, longest=longest)
    sink = blocks.vector_sink_f()
    graph.connect(source, encoder)
    graph.connect(source, sink)
    graph.msg_connect(encoder, "out", store, "store")
    graph.run()
    pdus = contents(store)
    return {
        "payloads": [bytes(items).hex() for _, items in pdus],
        "ends": [metadata["end"] for metadata, _ in pdus],
        "tags": [[tag.offset, pmt.to_python(tag.value)] for tag in sink.tags()],
        "samples": len(sink.data()),
        "cut": encoder.cut,
    }


def console_of(path):
    """What the console of a demodulator says of a signal, with junk between; its errors."""
    graph, said = gr.top_block(), io.StringIO()
    block, console = voicelink.demodulator(), voicelink.console()
    graph.connect(blocks.vector_source_c(np.load(path).tolist()), block)
    graph.msg_connect(block, "out", console, "in")
    bad = junk()
    for message in bad:
        console.to_basic_block()._post(IN, message)
    with contextlib.redirect_stdout(said):
        graph.run()
    return {"lines": said.getvalue().splitlines(), "errors": console.errors, "junk": len(bad)}


def limited():
    """A signal beyond full scale, with a burst of two samples, after interpolation by 5."""
    graph, sink = gr.top_block(), blocks.vector_sink_c()
    tags = [
        gr.tag_utils.python_to_tag((at, pmt.intern(key), pmt.PMT_T, pmt.PMT_NIL))
        for at, key in ((1, "tx_sob"), (2, "tx_eob"))
    ]
    source = blocks.vector_source_c([0.5, 3j, float("nan"), -0.9, 1e9, 0], False, 1, tags)
    block = limiter(repeat=5)
    graph.connect(source, blocks.repeat(gr.sizeof_gr_complex, 5), block, sink)
    graph.run()
    tags = [[tag.offset, pmt.symbol_to_string(tag.key)] for tag in sink.tags()]
    values = np.array(sink.data())[::5]
    return {
        "magnitudes": np.abs(values).tolist(),
        "phases": np.angle(values).tolist(),
        "tags": tags,
        "errors": block.errors,
    }


def full_disk(path, samples, room):
    """Errors of a recording of ``samples`` where files may have no more than ``room`` bytes."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
    block = samples_sink(path)
    graph = gr.top_block()
    graph.connect(blocks.vector_source_c(np.arange(samples).tolist()), block)
    graph.run()
    return block.errors


def refusals(cases):
    """What each block says of arguments that it cannot have: [[name, arguments], ...]."""
    return [
        refusal(getattr(voicelink, name), arguments, VoiceLinkError) for name, arguments in cases
    ]


if __name__ == "__main__":
    serve(globals())
