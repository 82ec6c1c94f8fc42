"""Flowgraphs of the sync block; `graph.run_graph` runs them."""

import numpy as np
from block_graphs import contents, pdus_of
from gnuradio import blocks, gr
from graph import serve

from voicelink.blocks import gnuradio as voicelink


def found(symbols, profile, chunk=100000, runs=1):
    """What the block finds in the symbols of a file, in so many runs of one graph."""
    block = voicelink.sync(profile=profile)
    return {
        "pdus": pdus_of(blocks.vector_source_f(np.load(symbols).tolist()), block, chunk, runs),
        "frames": block.frames,
        "errors": block.errors,
        "locked": block.locked,
    }


def heard(symbols):
    """What a deframer reads in the frames that the block finds: metadata of ok and fail."""
    graph = gr.top_block()
    source = blocks.vector_source_f(np.load(symbols).tolist())
    block, deframer = voicelink.sync(), voicelink.deframer()
    stores = blocks.message_debug(), blocks.message_debug()
    graph.connect(source, block)
    graph.msg_connect(block, "out", deframer, "in")
    for port, store in zip(("ok", "fail"), stores, strict=True):
        graph.msg_connect(deframer, port, store, "store")
    graph.run()
    return [[metadata for metadata, _ in contents(store)] for store in stores]


def hostile():
    """Numbers that are none, and good frames behind them, are no reason to stop."""
    graph = gr.top_block()
    values = [float("nan"), float("inf"), -float("inf"), 3e38, -3e38, 0.0] * 500
    source = blocks.vector_source_f(values)
    block = voicelink.sync("plain")
    graph.connect(source, block)
    graph.run()
    return {"read": block.nitems_read(0), "frames": block.frames, "errors": block.errors}


def refused():
    """What the block says of wrong arguments."""
    said = []
    for arguments in ({"profile": "halves"}, {"hold": -1}, {"hold": "many"}):
        try:
            voicelink.sync(**arguments)
        except ValueError as error:
            said.append(str(error))
    return said


if __name__ == "__main__":
    serve(globals())
