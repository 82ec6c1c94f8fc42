"""The codec: sizes, released models, the run-time, its training and its evaluation."""
