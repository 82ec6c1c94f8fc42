"""Runs a compiled flowgraph to its end and prints what its blocks counted, as JSON.

usage: flowgraph_run.py PROGRAM OPTIONS COUNTS

OPTIONS is a JSON object, the flowgraph's parameters; COUNTS a JSON list of what to look up
afterwards: "deframer.counts", an attribute of a block, called if it can be.
"""

import functools
import importlib.util
import json
import sys


def main():
    path, options, counts = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
    spec = importlib.util.spec_from_file_location("flowgraph", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (graph,) = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and value.__module__ == "flowgraph"
    ]
    top = graph(**options)
    top.run()
    found = {}
    for name in counts:
        value = functools.reduce(getattr, name.split("."), top)
        found[name] = value() if callable(value) else value
    print("\n" + json.dumps(found))


if __name__ == "__main__":
    main()
