"""Nothing gets lost uncounted, and nothing that arrives stops what receives."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voicelink.blocks.link import LinkDecoder, LinkEncoder
from voicelink.blocks.modem import BURST_SAMPLES, Demodulator, Modulator, modes
from voicelink.link_sim.endurance import report, run
from voicelink.link_sim.iq import IqChain, Noise
from voicelink.link_sim.iq.noise import complex_normal

HOSTILE = 3 * BURST_SAMPLES


@pytest.fixture(scope="module")
def account():
    return run(superframes=1200, modem_share=0.25, seed=8)


def test_every_frame_is_accounted_for(account):
    assert account.superframes >= 1200
    assert account.wrong == []
    assert sum(account.statuses.values()) == account.superframes
    assert sum(account.gaps.values()) == account.statuses["concealed"]
    packets = account.packets
    assert packets["sent"] + packets["copies"] == packets["lost"] + packets["received"]
    assert packets["received"] == packets["used"] + packets["late"] + packets["duplicate"]
    assert account.undetected == 0
    # The channels did their worst: all that can become of a frame is in the account.
    assert min(account.statuses[name] for name in ("clean", "corrected", "soft", "concealed")) > 10
    assert all(account.gaps[cause] for cause in ("channel", "late", "failed"))
    assert packets["duplicate"] > 0 and account.modem["sent"] > account.modem["found"] > 50


def test_clear_overs_come_out_whole_whatever_came_before(account):
    assert account.clear > 1 and account.modem["clear"] > 0
    assert account.good


def test_memory_does_not_grow_with_what_was_received(account):
    """Tens of megabytes of samples pass; what is kept of them is some frames."""
    assert account.growth_mb < 15


def test_the_account_in_words(account):
    words = report(account)
    assert f"{account.superframes} superframes" in words
    assert "sums: all agree" in words
    assert "not whole 0" in words


# What may come out of a receiver, and must not stop the demodulator


def _burst(mode="bpsk"):
    modulator = Modulator(mode)
    packet = LinkEncoder(modulator.mode.profile).encode(bytes(range(32)))
    return np.concatenate([modulator.modulate(packet), modulator.finish()])


def _signals():
    random = np.random.default_rng(7)
    time = np.arange(HOSTILE)
    noise = complex_normal(random, HOSTILE)
    burst = np.tile(_burst("bpsk"), 3)[:HOSTILE]
    chopped = burst.copy()
    chopped[(time // 100) % 2 == 1] = 0
    special = noise.copy()
    special[::7] = np.nan
    special[::11] = np.inf
    special[::13] = complex(-np.inf, np.nan)
    return {
        "zeros": np.zeros(HOSTILE, np.complex64),
        "a constant": np.full(HOSTILE, 3 - 1j),
        "nothing but NaN": np.full(HOSTILE, complex(np.nan, np.nan)),
        "NaN and infinities among noise": special,
        "as large as can be": noise.astype(complex) * 1e38,
        "as small as can be": noise.astype(complex) * 1e-38,
        "a square wave": np.sign(np.sin(2 * np.pi * 50 * time / 8000)),
        "a fast square wave": np.where(time % 8 < 4, 1, -1).astype(complex),
        "an endless carrier": 30 * np.exp(2j * np.pi * 40.3 * time / 8000),
        "a sweep": np.exp(2j * np.pi * 1e-3 * time**2 / 16),
        "clicks": (random.random(HOSTILE) < 0.01) * 1e5 * noise,
        "whole numbers": random.integers(-128, 128, HOSTILE),
        "a burst in pieces": chopped,
        "bursts backwards": burst[::-1],
    }


@pytest.mark.parametrize("what", _signals())
def test_no_signal_stops_the_demodulator_or_passes_for_a_frame(what):
    demodulator, decoder = Demodulator("bpsk"), LinkDecoder("half")
    with np.errstate(over="ignore", invalid="ignore"):
        bursts = demodulator.push(_signals()[what])
    frames = [decoder.decode(burst.packet) for burst in bursts if burst.confirmed]
    assert [frame for frame in frames if frame.header is not None] == [] or what.endswith("pieces")
    for burst in bursts:
        assert np.isfinite(burst.packet.data).all()
    _works(demodulator, decoder)


@pytest.mark.parametrize("other", [name for name in modes() if name != "bpsk"])
def test_signals_of_other_modes_are_none_of_ours(other):
    demodulator, decoder = Demodulator("bpsk"), LinkDecoder("half")
    signal = np.concatenate([_burst(other), np.zeros(BURST_SAMPLES)])
    bursts = demodulator.push(IqChain([Noise(snr_db=10)]).process(signal))
    assert not any(decoder.decode(burst.packet).header for burst in bursts)
    _works(demodulator, decoder)


@given(
    st.lists(
        st.tuples(st.integers(0, 4000), st.sampled_from([0.0, 1e-30, 1.0, 1e6, 1e30, np.nan])),
        min_size=1,
        max_size=6,
    ),
    st.integers(0, 2**32 - 1),
)
@settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_streams_of_any_levels_cut_anywhere(parts, seed):
    demodulator, random = Demodulator("bpsk"), np.random.default_rng(seed)
    for size, level in parts:
        with np.errstate(all="ignore"):
            piece = complex_normal(random, size).astype(complex) * level
        assert not any(burst.confirmed for burst in demodulator.push(piece))
    _works(demodulator, LinkDecoder("half"))


def _works(demodulator, decoder):
    """After all that, a burst over some noise is found."""
    quiet = np.zeros(2 * BURST_SAMPLES)
    signal = np.concatenate([quiet, _burst(), quiet])
    bursts = demodulator.push(IqChain([Noise(snr_db=10)]).process(signal)) + demodulator.flush()
    frames = [decoder.decode(burst.packet) for burst in bursts]
    said = [np.packbits(f.payload_llr < 0).tobytes() for f in frames if f.header is not None]
    assert bytes(range(32)) in said
