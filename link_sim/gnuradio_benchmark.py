"""Latency and CPU of the GNU Radio blocks: ``python -m voicelink.link_sim.gnuradio_benchmark``.

A microphone and a loudspeaker, each with a clock that gives or takes 80 samples every 10 ms, and
the blocks between them in one flowgraph that runs in real time on the bundled sample: once joined
by PDUs, once by the soft symbols of a modem. Needs GNU Radio 3.10 and, for the times to mean
something, an idle machine.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import deque
from pathlib import Path

from voicelink.link_sim.benchmark import SAMPLE, Figure, one_thread, show

CHUNK = 80
"""Samples that the sound card gives and takes at a time (10 ms)."""

PROFILE = "half"
FRAME_SYMBOLS = 32 + 592
"""Symbols of a link frame with its sync word."""

SYMBOL_RATE = 1950
"""Symbols per second: a frame in 320 ms."""

MODEM_CHUNK = 16
"""Symbols that the modem sends at a time (8.2 ms)."""

MODEM_HOLD = 2
"""Chunks that it waits before the first frame."""

WARM_UP = 2.0
"""Seconds after which the CPU time counts."""

_THREADS = {f"voicelink_{name[:4]}": name for name in ("encoder", "framer", "deframer", "decoder")}
_THREADS["voicelink_sync"] = "sync"
"""How the names of the blocks' threads begin, which Linux cuts to 15 characters."""


class Ticks:
    """A clock that ticks every so many seconds, whoever is late."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.began = self.due = time.monotonic()

    def wait(self) -> int:
        """Sleep until the next tick; how many went by unused before it."""
        now = time.monotonic()
        missed = max(0, int((now - self.due) / self.seconds))
        self.due += missed * self.seconds
        time.sleep(max(0.0, self.due - now))
        self.due += self.seconds
        return missed


def _blocks():
    """The classes that need GNU Radio: (microphone, loudspeaker, modem)."""
    import numpy as np
    import pmt
    from gnuradio import gr

    from voicelink.blocks.gnuradio.messages import IN, to_bytes
    from voicelink.blocks.pdu import pdu_to_packet
    from voicelink.models.sizes import SAMPLE_RATE

    seconds = CHUNK / SAMPLE_RATE

    class Microphone(gr.sync_block):
        """Speech as it is spoken; a sample is there when its chunk is over."""

        def __init__(self, speech: np.ndarray) -> None:
            super().__init__("microphone", None, [np.float32])
            self._speech = speech
            self.began = 0.0
            self._at = 0

        def work(self, input_items, output_items) -> int:
            if not self._at:
                self.began = time.monotonic()
            out = output_items[0][:CHUNK]
            # What nobody fetches in time waits in the sound card.
            due = self.began + (self._at + len(out)) / SAMPLE_RATE
            time.sleep(max(0.0, due - time.monotonic()))
            part = self._speech[self._at : self._at + len(out)]
            if not len(part):
                return -1
            out[: len(part)] = part
            self._at += len(part)
            return len(part)

    class Loudspeaker(gr.sync_block):
        """Takes a chunk at each tick; where none is there, that is silence and an underrun."""

        def __init__(self) -> None:
            super().__init__("loudspeaker", [np.float32], None)
            self.set_output_multiple(CHUNK)
            self.heard: list[np.ndarray] = []
            self.underruns = 0
            self._ticks: Ticks | None = None

        @property
        def began(self) -> float:
            return self._ticks.began

        def work(self, input_items, output_items) -> int:
            if self._ticks is None:
                self._ticks = Ticks(seconds)
            missed = self._ticks.wait()
            self.underruns += missed
            self.heard += [np.zeros(CHUNK, np.float32)] * missed
            self.heard.append(input_items[0][:CHUNK].copy())
            return CHUNK

    class Modem(gr.sync_block):
        """As many symbols per second as the frames have, noisy; an over waits for `MODEM_HOLD`.

        That wait keeps the frames without gaps between them, as the receiver wants them, although
        they are not made at exactly even times.
        """

        def __init__(self) -> None:
            super().__init__("modem", None, [np.float32])
            self.message_port_register_in(IN)
            self.set_msg_handler(IN, self.handle)
            self.set_blkd_input_timer_value(5)
            self._symbols: deque[float] = deque()
            self._rng = np.random.default_rng(1)
            self._ticks: Ticks | None = None
            self._held = 0

        def handle(self, message: pmt.pmt_base) -> None:
            bits = np.unpackbits(pdu_to_packet(to_bytes(message)).data)
            if not self._symbols:
                self._held = MODEM_HOLD
            self._symbols.extend(1.0 - 2.0 * bits)

        def work(self, input_items, output_items) -> int:
            if self._ticks is None:
                self._ticks = Ticks(MODEM_CHUNK / SYMBOL_RATE)
            missed = self._ticks.wait()
            out = output_items[0][: MODEM_CHUNK * (1 + missed)]
            out[:] = self._rng.normal(0, 0.4, len(out))
            if self._held:
                self._held -= 1
                return len(out)
            count = min(len(out), len(self._symbols))
            out[:count] += [self._symbols.popleft() for _ in range(count)]
            return len(out)

    return Microphone, Loudspeaker, Modem


def cpu_seconds() -> dict[str, float]:
    """CPU time of each thread of this process so far, by its name, in seconds."""
    used: dict[str, float] = {}
    for task in Path("/proc/self/task").iterdir():
        try:
            name = (task / "comm").read_text().strip()
            nanoseconds = int((task / "schedstat").read_text().split()[0])
        except OSError:  # it has just ended
            continue
        used[name] = used.get(name, 0.0) + nanoseconds * 1e-9
    return used


def measured(form: str) -> list[Figure]:
    """Latency, its parts, and CPU by block, of a flowgraph joined by ``pdu`` or ``symbols``."""
    import numpy as np
    from gnuradio import gr

    from voicelink.blocks.audio import read_audio
    from voicelink.blocks.gnuradio import decoder, deframer, encoder, framer, rx, tx
    from voicelink.models.codec import SpeechDecoder
    from voicelink.models.evaluation.align import delay
    from voicelink.models.sizes import SAMPLE_RATE, SUPERFRAME_SECONDS

    make_microphone, make_loudspeaker, make_modem = _blocks()
    speech = read_audio(SAMPLE)
    rest = np.zeros(2 * SAMPLE_RATE, np.float32)
    microphone = make_microphone(np.concatenate([speech, rest]))
    loudspeaker = make_loudspeaker()
    graph = gr.top_block()
    if form == "pdu":
        parts = [encoder(), framer(PROFILE, "N0CALL"), deframer(), decoder()]
        heard_by = parts[3]
        graph.connect(microphone, parts[0])
        graph.msg_connect(parts[0], "out", parts[1], "in")
        graph.msg_connect(parts[1], "out", parts[2], "in")
        graph.msg_connect(parts[2], "ok", parts[3], "in")
        graph.msg_connect(parts[2], "fail", parts[3], "in")
    else:
        parts = [tx(PROFILE, "N0CALL", sync_word=True), make_modem(), rx(PROFILE, input="symbols")]
        heard_by = parts[2].decoder
        graph.connect(microphone, parts[0])
        graph.msg_connect(parts[0], "out", parts[1], "in")
        graph.connect(parts[1], parts[2])
    graph.connect(parts[-1], loudspeaker)

    graph.start()
    time.sleep(WARM_UP)
    before, began = cpu_seconds(), time.monotonic()
    time.sleep(len(speech) / SAMPLE_RATE - WARM_UP)
    after, seconds = cpu_seconds(), time.monotonic() - began
    time.sleep(len(rest) / SAMPLE_RATE - 0.5)
    counts, depth = heard_by.counts(), heard_by.depth
    graph.stop()
    graph.wait()

    heard = np.concatenate(loudspeaker.heard)
    lag = delay(speech, heard, SAMPLE_RATE) / SAMPLE_RATE + loudspeaker.began - microphone.began
    codec = SpeechDecoder().delay / SAMPLE_RATE
    air = (FRAME_SYMBOLS + MODEM_HOLD * MODEM_CHUNK) / SYMBOL_RATE if form == "symbols" else 0.0
    fixed = SUPERFRAME_SECONDS + codec + air
    right = counts["clean"] + counts["corrected"]
    played = f"of {counts['received']} superframes {right} right, {counts['concealed']} concealed"
    figures = [
        Figure(f"{form}: latency, microphone to loudspeaker", 1000 * lag, "ms", note=played),
        Figure(
            f"{form}: of it superframe, codec" + (", modem" if air else ""),
            1000 * fixed,
            "ms",
            note=f"320 + {1000 * codec:.0f}" + (f" + {1000 * air:.0f}" if air else "") + " ms",
        ),
        Figure(
            f"{form}: of it buffering and work",
            1000 * (lag - fixed),
            "ms",
            60,
            note=f"the microphone's 10 ms and the receiver's {1000 * depth:.0f} ms among it; "
            f"{loudspeaker.underruns} underruns",
        ),
    ]
    for start, block in _THREADS.items():
        used = sum(after[name] - before.get(name, 0.0) for name in after if name.startswith(start))
        if used:
            figures.append(Figure(f"{form}: CPU of {block}", 100 * used / seconds, "% of a core"))
    return figures


def main(argv: list[str] | None = None) -> int:
    """Print the figures as a table or as JSON."""
    parser = argparse.ArgumentParser(description="Latency and CPU of the GNU Radio blocks.")
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    args = parser.parse_args(argv)
    one_thread()
    show([*measured("pdu"), *measured("symbols")], args.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
