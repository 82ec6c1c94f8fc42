"""GNU Radio's end of a link, for the tests: runs where gnuradio is, and knows nothing of voicelink.

usage: gnuradio_peer.py BLOCK ADDRESS bind|connect

BLOCK is a gr-zeromq message block. A source prints each message that it gets, serialised, in hex;
a sink sends the PDUs that come in on standard input the same way. The first line printed is the
address. Ends when its input does.
"""

import sys
import threading
import time

import pmt
from gnuradio import blocks, gr, zeromq


def main():
    name, address, end = sys.argv[1:]
    graph = gr.top_block()
    block = getattr(zeromq, name)(address, 10, end == "bind")
    print(block.last_endpoint() if end == "bind" else address, flush=True)
    if name.endswith("sink"):
        send(graph, block)
    else:
        receive(graph, block)


class Source(gr.basic_block):
    """Publishes messages that it is handed."""

    def __init__(self):
        super().__init__("source", None, None)
        self.message_port_register_out(pmt.intern("out"))

    def publish(self, message):
        self.message_port_pub(pmt.intern("out"), message)


def send(graph, sink):
    source = Source()  # must outlive the graph: GNU Radio keeps no reference to it
    graph.msg_connect(source, "out", sink, "in")
    graph.start()
    for line in sys.stdin:
        source.publish(pmt.deserialize_str(bytes.fromhex(line)))
    graph.stop()
    graph.wait()


def receive(graph, source):
    store = blocks.message_debug()
    graph.msg_connect(source, "out", store, "store")
    graph.start()
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    shown = 0
    while not ended.is_set():
        while shown < store.num_messages():
            print(pmt.serialize_str(store.get_message(shown)).hex(), flush=True)
            shown += 1
        time.sleep(0.01)
    graph.stop()
    graph.wait()


if __name__ == "__main__":
    main()
