"""Flowgraphs of the channel block; `graph.run_graph` runs them."""

import threading
import time

import numpy as np
import pmt
from block_graphs import IN, contents, pdu, refusal, run_messages
from gnuradio import blocks, gr
from graph import serve

from voicelink.link_sim.gnuradio import channel
from voicelink.models.errors import ParameterError


def packets(settings, count, soft=False):
    """So many PDUs through a channel of PDUs: which came out with which items, and the counts."""
    block = channel("pdu", **settings)
    items = np.full(592, 3, np.float32) if soft else np.arange(74, dtype=np.uint8)
    messages = [pdu(items, number, callsign="N0CALL") for number in range(count)]
    messages.insert(1, pmt.intern("nonsense"))
    (out,) = run_messages(block, messages)
    return {"out": out, "errors": block.errors, "statistics": block.statistics}


class Clock(gr.basic_block):
    """When each PDU came."""

    def __init__(self):
        super().__init__("clock", None, None)
        self.message_port_register_in(IN)
        self.set_msg_handler(IN, self.note)
        self.times = []

    def note(self, _):
        self.times.append(time.monotonic())


def delayed():
    """How long after it went in a PDU came out of a channel of 0.3 s."""
    graph, block, clock = gr.top_block(), channel(channels="delay:seconds=0.3"), Clock()
    graph.msg_connect(block, "out", clock, "in")
    graph.start()
    begin = time.monotonic()
    block.to_basic_block()._post(IN, pdu(np.zeros(32, np.uint8)))
    while not clock.times:
        time.sleep(0.01)
    graph.stop()
    graph.wait()
    return clock.times[0] - begin


def stream(form, items, settings):
    """Items through a channel of a stream, twice with one graph and once with another block."""
    kind = "b" if form == "bits" else "f"
    runs = []
    for chunk in (100000, 1000):
        source = getattr(blocks, f"vector_source_{kind}")(items)
        sink = getattr(blocks, f"vector_sink_{kind}")()
        block, graph = channel(form, **settings), gr.top_block()
        graph.connect(source, block, sink)
        for _ in range(2):
            source.rewind()
            sink.reset()
            graph.start(chunk)
            graph.wait()
            runs.append({"items": list(sink.data()), "statistics": block.statistics})
        assert block.errors == 0
    return runs


class Endless(gr.sync_block):
    """Ones, until told to end."""

    def __init__(self):
        super().__init__("endless", None, [np.float32])
        self.ended = threading.Event()

    def work(self, _, output_items):
        if self.ended.is_set():
            return -1
        time.sleep(0.001)
        output_items[0][:] = 1
        return len(output_items[0])


def changed_in_stream():
    """Symbols, all of which are lost from some time on; and a change that must be refused."""
    graph, source, sink = gr.top_block(), Endless(), blocks.vector_sink_f()
    block = channel("symbols", [], packet=80)
    graph.connect(source, block, sink)
    graph.start()
    while block.statistics["packets"] < 100:
        time.sleep(0.01)
    try:
        block.set_channels("delay:seconds=1")
        refused = ""
    except ParameterError as error:
        refused = str(error)
    block.set_channels("loss:probability=1")
    before = block.statistics["packets"]
    while block.statistics["packets"] < before + 500:
        time.sleep(0.01)
    source.ended.set()
    graph.wait()
    return {"items": list(sink.data()), "refused": refused, "before": before}


def changed_with_packets_under_way():
    """Three PDUs are delayed; then the channel loses all, and then it is clear again."""
    graph, block = gr.top_block(), channel(channels="delay:seconds=0.2")
    store = blocks.message_debug()
    graph.msg_connect(block, "out", store, "store")
    graph.start()

    def send(*numbers):
        before = block.statistics["packets_in"]
        for number in numbers:
            block.to_basic_block()._post(IN, pdu(np.zeros(32, np.uint8), number))
        while block.statistics["packets_in"] < before + len(numbers):
            time.sleep(0.01)

    send(0, 1, 2)
    block.set_channels("loss:probability=1")
    send(3, 4)
    block.set_channels([])
    send(5)
    while store.num_messages() < 4:
        time.sleep(0.01)
    graph.stop()
    graph.wait()
    return contents(store)


def refusals(cases):
    """What the block says of arguments that it cannot have."""
    return [refusal(channel, arguments) for arguments in cases]


if __name__ == "__main__":
    serve(globals())
