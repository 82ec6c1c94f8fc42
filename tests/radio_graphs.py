"""GNU Radio's fading channels and decoders, for comparison; `graph.run_graph` runs them."""

import numpy as np
from gnuradio import blocks, channels, fec, gr
from graph import serve

from voicelink.blocks.packet import Packet
from voicelink.link_sim.channels import channels_from


def _through(block, items, kind="c"):
    """What comes out of a block for these items."""
    graph = gr.top_block()
    source = getattr(blocks, f"vector_source_{kind}")(items)
    sink = blocks.vector_sink_c() if kind == "c" else blocks.vector_sink_b()
    graph.connect(source, block, sink)
    graph.run()
    return np.array(sink.data())


def fading(doppler, k, seeds, steps, lags, level):
    """Of so many runs of its `fading_model`: mean figures of each, a list a run.

    Power, its square, share of the time below ``level``, crossings of it a step, and the
    autocorrelation at ``lags``. A K of 0 means no line of sight.
    """
    figures = []
    for seed in range(1, seeds + 1):
        model = channels.fading_model(32, doppler, k > 0, k, seed)
        gain = _through(model, [1.0] * steps)
        power = np.abs(gain) ** 2
        below = power < level
        lagged = [float((gain[lag:] * gain[:-lag].conj()).real.mean()) for lag in lags]
        ups = float((below[:-1] & ~below[1:]).mean())
        figures.append(
            [float(power.mean()), float((power**2).mean()), float(below.mean()), ups, *lagged]
        )
    return figures


def echoes(delay, seeds, apart):
    """Of its two-path model: the correlation of H at frequencies so many 64ths of a sample apart.

    Args:
        delay: of the second path, samples.
        seeds: runs.
        apart: numbers of steps between the two frequencies.
    """
    size, pulses = 64, 300
    sent = np.zeros((pulses, size))
    sent[:, 0] = 1
    figures = []
    for seed in range(1, seeds + 1):
        model = channels.selective_fading_model(
            32, 0.0005, False, 0.0, seed, (0.0, float(delay)), (0.5**0.5, 0.5**0.5), 24
        )
        heard = _through(model, sent.ravel().tolist())
        responses = np.fft.fft(heard[: len(heard) // size * size].reshape(-1, size), axis=1)
        row = [(np.roll(responses, -step, axis=1) * responses.conj()).mean() for step in apart]
        figures.append([[float(value.real), float(value.imag)] for value in row])
    return figures


def decoded(modulation, ebn0_db, frames, size):
    """How many bits gr-fec's K = 7 code gets wrong behind our modem, and of how many.

    Args:
        modulation: the modem's.
        ebn0_db: for each bit that is encoded.
        frames: how many.
        size: bits of each.
    """
    code = {"frame_size": size, "k": 7, "rate": 2, "polys": [79, 109]}
    encoder = fec.cc_encoder_make(*code.values(), 0, fec.CC_TERMINATED, False)
    decoder = fec.cc_decoder.make(*code.values(), 0, -1, fec.CC_TERMINATED, False)
    sent = np.random.default_rng(1).integers(0, 2, frames * size)
    coded = _through(fec.encoder(encoder, 1, 1), sent.tolist(), "b").astype(np.uint8)
    ebn0_db += 10 * np.log10(size / 256)  # here for each bit of the frame, there of a payload
    (channel,) = channels_from([{"awgn": {"ebn0_db": float(ebn0_db), "modulation": modulation}}])
    llrs = np.concatenate(
        [channel.send(0, Packet(np.packbits(row)))[0][1].data for row in coded.reshape(frames, -1)]
    )
    graph, sink = gr.top_block(), blocks.vector_sink_b()
    # gr-fec takes soft symbols as bytes around 128, larger for a 1.
    soft = blocks.vector_source_b(np.clip(np.rint(128 - 12 * llrs), 0, 255).astype(int).tolist())
    graph.connect(soft, fec.decoder(decoder, 1, 1), sink)
    graph.run()
    return int((np.array(sink.data()) != sent).sum()), len(sent)


if __name__ == "__main__":
    serve(globals())
