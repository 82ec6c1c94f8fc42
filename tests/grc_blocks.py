"""What GRC makes of the block descriptions, and what the blocks are: JSON, for test_grc.py.

usage: grc_blocks.py, with on standard input a list of [block's id, {parameter: value}]

For each of them: GRC's errors about its parameters; the ports that GRC shows; and the ports and the
call's arguments of the block that GRC's code makes.
"""

import inspect
import json
import sys

import pmt

from voicelink.grc.library import platform


def main():
    library, _ = platform()
    out = [describe(library, *case) for case in json.load(sys.stdin)]
    print("\n" + json.dumps(out))


def describe(library, name, values):
    graph = library.make_flow_graph()
    block = graph.new_block(name)
    block.params["id"].set_value("tried")
    for key, value in values.items():
        block.params[key].set_value(value)
    graph.rewrite()
    graph.validate()
    wrong = [text for _, text in graph.iter_error_messages() if "not connected" not in text]
    result = {"errors": [text for text in wrong if not text.startswith('ID ""')]}
    if result["errors"]:
        return result
    result["shown"] = {
        "in": [shown(port) for port in block.sinks if not port.hidden],
        "out": [shown(port) for port in block.sources if not port.hidden],
    }
    names = {}
    exec(block.templates.render("imports"), names)
    code = block.templates.render("make")
    made = eval(code, names)
    result["made"] = {
        "in": streams(made.input_signature()) + messages(made, "in"),
        "out": streams(made.output_signature()) + messages(made, "out"),
    }
    if type(made).__module__.startswith("voicelink"):  # gr-vocoder's have no signature to read
        arguments = list(inspect.signature(type(made).__init__).parameters.values())[1:]
        result["arguments"] = {argument.name: plain(argument.default) for argument in arguments}
    return result


def plain(value):
    return value if isinstance(value, (str, int, float)) else None


def shown(port):
    sizes = {"complex": 8, "float": 4, "byte": 1, "short": 2}
    return port.key if port.domain == "message" else sizes[port.dtype] * port.vlen


def streams(signature):
    count = max(0, signature.max_streams())
    return [signature.sizeof_stream_item(place) for place in range(count)]


def messages(made, way):
    """The names of the message ports; those of a hierarchical block are not listed, but known."""
    ports = getattr(made.to_basic_block(), f"message_ports_{way}")()
    names = [pmt.symbol_to_string(pmt.vector_ref(ports, k)) for k in range(pmt.length(ports))]
    is_hier = getattr(made.to_basic_block(), f"message_port_is_hier_{way}")
    hier = ("in", "out", "ptt", "status", "station")
    names += [name for name in hier if is_hier(pmt.intern(name))]
    return [name for name in names if name != "system"]


if __name__ == "__main__":
    main()
