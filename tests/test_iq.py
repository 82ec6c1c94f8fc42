"""Radio paths of samples against their known figures."""

import numpy as np
import pytest

from voicelink.link_sim.iq import (
    EFFECTS,
    Clipping,
    Clock,
    DcOffset,
    Frequency,
    Imbalance,
    Impulses,
    IqChain,
    Multipath,
    Noise,
    Quantisation,
    Watterson,
    effects_from,
    ready_made,
)
from voicelink.models.errors import ParameterError

RATE = 8000
EXAMPLES = {
    "watterson": {"preset": "poor"},
    "multipath": {"delay_ms": 0.7, "level_db": -6, "phase_deg": 30},
    "impulses": {"per_second": 100},
    "noise": {"snr_db": 0},
    "frequency": {"hz": 37, "drift_hz_per_s": 2},
    "clock": {"ppm": -80},
    "imbalance": {"gain_db": 1, "phase_deg": 5},
    "dc-offset": {"level_db": -20},
    "clipping": {"level_db": 0},
    "quantisation": {"bits": 8},
}


def tone(hz, seconds=1.0):
    return np.exp(2j * np.pi * hz * np.arange(round(seconds * RATE)) / RATE).astype(np.complex64)


def noisy(count, seed=1):
    """Complex noise of power 1, as a stand-in for a modem's signal."""
    pairs = np.random.default_rng(seed).standard_normal((count, 2)) / np.sqrt(2)
    return (pairs[:, 0] + 1j * pairs[:, 1]).astype(np.complex64)


def power(samples):
    return float(np.mean(np.abs(samples) ** 2))


def db(ratio):
    return 10 * np.log10(ratio)


def pieces(samples, seed=3):
    """The signal in pieces of 0 to some thousand samples."""
    cuts = np.cumsum(np.random.default_rng(seed).integers(0, 3000, 40))
    return np.split(samples, cuts[cuts < len(samples)])


# All effects


def test_every_effect_has_an_example():
    assert set(EXAMPLES) == set(EFFECTS)


@pytest.mark.parametrize("name", EFFECTS)
def test_in_pieces_as_in_one(name):
    chain, signal = IqChain(effects_from([{name: EXAMPLES[name]}]), seed=5), noisy(20000)
    kept = signal.copy()
    whole = chain.process(signal)
    chain.reset(5)
    parts = np.concatenate([chain.process(piece) for piece in pieces(signal)])
    assert whole.dtype == parts.dtype == np.complex64
    # The sums of a filter may round differently.
    np.testing.assert_allclose(parts, whole, atol=2e-6)
    assert np.array_equal(signal, kept)
    chain.reset(6)
    random = name in ("watterson", "impulses", "noise")
    assert np.array_equal(chain.process(signal), whole) != random


@pytest.mark.parametrize("name", ready_made())
def test_ready_made_compositions_run(name):
    chain = IqChain(effects_from(name))
    assert np.isfinite(chain.process(noisy(4000))).all()


def test_mistakes_are_one_line(tmp_path):
    with pytest.raises(ParameterError, match="did you mean noise"):
        effects_from([{"noize": {"snr_db": 3}}])
    with pytest.raises(ParameterError, match=r"a setting of noise must be one of snr_db"):
        effects_from([{"noise": {"snr": 3}}])
    with pytest.raises(ParameterError, match=r"quantisation needs bits"):
        effects_from([{"quantisation": {}}])
    file = tmp_path / "mine.yaml"
    file.write_text("iq:\n  - noise: {snr_db: 3}\n  - clock: {ppm: 1e4}\n")
    with pytest.raises(ParameterError, match=r"mine\.yaml, line 3: clock\.ppm must be a number"):
        effects_from(file)
    with pytest.raises(ParameterError, match="twice"):
        IqChain([noise := Noise(snr_db=0), noise])


# Noise and clicks


def test_noise_is_counted_in_3_khz():
    noise = IqChain([Noise(snr_db=-3)]).process(np.zeros(200000, np.complex64))
    # Half a per cent: 200000 numbers of an exponential distribution.
    assert power(noise) == pytest.approx(RATE / 3000 * 10**0.3, rel=0.01)
    spectrum = np.abs(np.fft.fft(noise)) ** 2
    in_band = np.abs(np.fft.fftfreq(len(noise), 1 / RATE)) < 1500
    assert spectrum[in_band].sum() / len(noise) ** 2 == pytest.approx(10**0.3, rel=0.02)
    assert abs(np.mean(noise**2)) < 0.02 * power(noise)  # I and Q are independent and alike


def test_impulses_come_as_often_and_as_strong_as_said():
    hits = IqChain([Impulses(per_second=200, level_db=30)]).process(np.zeros(800000, np.complex64))
    count = np.count_nonzero(hits)
    assert abs(count - 20000) < 4 * np.sqrt(20000)
    assert power(hits[hits != 0]) == pytest.approx(1000, rel=0.04)


# The ionosphere


@pytest.mark.parametrize(("preset", "delay", "spread"), [("moderate", 1, 0.5), ("poor", 2, 1.0)])
def test_watterson_delay_power_and_doppler(preset, delay, spread):
    """Clicks show both waves; the autocorrelation is exp(-(pi spread t)^2 / 2)."""
    step = 200  # 25 ms
    clicks = np.zeros(RATE * 100, np.complex64)
    clicks[::step] = 1
    products, powers = [], []
    for seed in range(8):
        chain = IqChain([Watterson(preset=preset)], seed)
        response = chain.process(clicks).reshape(-1, step)
        filled = np.flatnonzero(np.abs(response).max(0))
        late = RATE * delay // 1000
        assert filled.tolist() == [chain.arrives_at(0), chain.arrives_at(late)]
        waves = response[:, filled].T
        powers.append(np.mean(np.abs(waves) ** 2, 1))
        products.append(
            [np.mean(waves[:, lag:] * waves[:, : -lag or None].conj()) for lag in (8, 20, 40)]
        )
        assert abs(np.mean(waves[0] * waves[1].conj())) < 0.1
    np.testing.assert_allclose(np.mean(powers, 0), 0.5, rtol=0.1)
    measured = 2 * np.mean(products, 0)
    seconds = np.array([8, 20, 40]) * step / RATE
    np.testing.assert_allclose(measured, np.exp(-((np.pi * spread * seconds) ** 2) / 2), atol=0.07)


def test_watterson_takes_any_delay():
    chain = IqChain([Watterson(delay_ms=0.3, spread_hz=0)], 4)
    spectrum = np.abs(np.fft.fft(chain.process(tone(0, 0.5) * 0 + np.eye(1, 4000, 0)[0])))
    # Of two waves 0.3 ms apart the spectrum has notches 1 / 0.3 ms apart.
    inside = spectrum[np.abs(np.fft.fftfreq(4000, 1 / RATE)) < 3000]
    ripple = np.abs(np.fft.fft(inside**2 - np.mean(inside**2)))[: len(inside) // 2]
    assert np.argmax(ripple) in (1, 2)


def test_watterson_wants_preset_or_both_figures():
    with pytest.raises(ParameterError, match="watterson needs either preset"):
        Watterson(delay_ms=1)


# Clocks and carriers


def test_frequency_error_and_drift():
    out = IqChain([Frequency(hz=50, drift_hz_per_s=4)]).process(tone(0, 5))
    now = np.angle(out[1:] * out[:-1].conj()) * RATE / (2 * np.pi)
    np.testing.assert_allclose(now[[0, RATE, 4 * RATE]], [50, 54, 66], atol=0.05)


@pytest.mark.parametrize("ppm", [-50, 20, 300])
def test_a_fast_clock_gives_more_samples_of_a_lower_frequency(ppm):
    signal = tone(1000, 10)
    out = IqChain([Clock(ppm=ppm)]).process(signal)
    assert len(out) - len(signal) == pytest.approx(len(signal) * ppm * 1e-6, abs=13)
    click = IqChain([Clock(ppm=ppm)]).process(np.eye(1, 90100, 90000, dtype=np.complex64)[0])
    found = int(np.argmax(np.abs(click)))
    assert abs(found - IqChain([Clock(ppm=ppm)]).arrives_at(90000)) <= 0.5
    turned = out[50:-50] * tone(-1000, 11)[: len(out)][50:-50]
    slope = np.polyfit(np.arange(len(turned)), np.unwrap(np.angle(turned)), 1)[0]
    assert slope * RATE / (2 * np.pi) == pytest.approx(-1000 * ppm * 1e-6, abs=1e-3)
    assert np.abs(turned).std() < 2e-3


# The receiver


def test_multipath_has_the_gain_of_its_formula():
    delay, level, phase = 1.3, -4, 70
    effect = Multipath(delay_ms=delay, level_db=level, phase_deg=phase)
    echo = 10 ** (level / 20) * np.exp(1j * np.radians(phase))
    for hz in (-2000, 0, 700, 1500):
        effect.reset(0)
        out = effect.process(tone(hz))[100:]
        gain = 1 + echo * np.exp(-2j * np.pi * hz * delay / 1000)
        assert power(out) == pytest.approx(abs(gain) ** 2 / (1 + abs(echo) ** 2), rel=0.01)


@pytest.mark.parametrize("bits", [8, 10, 12])
def test_quantisation_noise_is_6_02_n_plus_1_76_db(bits):
    signal = tone(123.456, 4)
    out = IqChain([Quantisation(bits=bits, full_scale_db=0)]).process(signal)
    assert db(1 / power(out - signal)) == pytest.approx(6.02 * bits + 1.76, abs=0.2)
    assert len(np.unique(out.real)) <= 2**bits


def test_one_bit_is_a_sign():
    out = IqChain([Quantisation(bits=1, full_scale_db=0)]).process(noisy(100))
    assert set(np.abs(out.real)) == {0.5}


@pytest.mark.parametrize(("gain_db", "phase"), [(1, 0), (0, 5), (0.8, -3)])
def test_imbalance_makes_the_image_of_its_formula(gain_db, phase):
    out = IqChain([Imbalance(gain_db=gain_db, phase_deg=phase)]).process(tone(500))
    spectrum = np.abs(np.fft.fft(out)) ** 2
    g, cosine = 10 ** (gain_db / 20), np.cos(np.radians(phase))
    formula = (1 + 2 * g * cosine + g * g) / (1 - 2 * g * cosine + g * g)
    assert db(spectrum[500] / spectrum[-500]) == pytest.approx(db(formula), abs=0.1)


def test_dc_offset_and_clipping():
    assert power(IqChain([DcOffset(level_db=-10)]).process(tone(0) * 0)) == pytest.approx(0.1)
    limited = IqChain([Clipping(level_db=3)]).process(10 * noisy(1000))
    assert np.abs(limited).max() == pytest.approx(10**0.15, rel=1e-4)
    rails = IqChain([Clipping(level_db=0, of="rails")]).process(10 * noisy(1000))
    assert max(rails.real.max(), -rails.imag.min()) == 1
    quiet = 0.1 * tone(40)
    np.testing.assert_allclose(IqChain([Clipping(level_db=0)]).process(quiet), quiet, rtol=1e-5)
