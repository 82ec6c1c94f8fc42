"""The flowgraphs for radios, without one: into files, over drivers whose devices are files, and
with what cheap receivers make of a signal. Each runs as a user starts it, in its headless form."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from gnuradio_python import TIMEOUT_S, clean_environment

from voicelink.blocks.audio import read_audio, write_audio
from voicelink.link_sim.iq.chain import IqChain
from voicelink.link_sim.iq.compose import effects_from
from voicelink.models.codec import SpeechDecoder, SpeechEncoder
from voicelink.models.evaluation.align import cut, delay
from voicelink.models.evaluation.measures import estoi
from voicelink.models.sizes import PAYLOAD_BYTES

RATE = 240_000
FREQUENCY = 144.65e6
LEVEL = 0.35
DRIVER = Path(__file__).with_name("soapy_recording.cpp")


@pytest.fixture(scope="module")
def said(sample: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five seconds of the sample."""
    path = tmp_path_factory.mktemp("said") / "said.wav"
    write_audio(path, sample[: 5 * 8000])
    return path


@pytest.fixture(scope="module")
def coded(said: Path) -> bytes:
    """What the codec alone makes of it."""
    encoder = SpeechEncoder()
    return encoder.encode(read_audio(said)) + encoder.flush()


@pytest.fixture(scope="module")
def ideal(said: Path, coded: bytes) -> float:
    """ESTOI of the codec alone, without any link."""
    return judged(said, SpeechDecoder().decode(coded))


def judged(said: Path, heard: np.ndarray) -> float:
    """ESTOI of what is heard, its delay taken off."""
    audio = read_audio(said)
    return estoi(*cut(audio, heard, delay(audio, heard, longest=8000)))


@pytest.fixture(scope="module")
def start(python: str):
    """Run a program as a user does, in a folder: how it ended."""

    def to_the_end(
        path: Path, folder: Path, *words: object, **variables: str
    ) -> subprocess.CompletedProcess:
        return subprocess.run(
            [python, str(path), *map(str, words)], capture_output=True, text=True,
            timeout=TIMEOUT_S, cwd=folder, env=clean_environment() | variables, check=False,
        )  # fmt: skip

    return to_the_end


@pytest.fixture(scope="module")
def transmitter(program) -> Path:
    return program("radio_transmitter")


@pytest.fixture(scope="module")
def receiver(program) -> Path:
    return program("radio_receiver")


@pytest.fixture(scope="module")
def dry(transmitter, start, said, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a dry run: an over with the speech."""
    folder = tmp_path_factory.mktemp("dry")
    words = ("--microphone-file", said, "--callsign", "AB1CD", "--text", "dry run")
    done = start(transmitter, folder, *words)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in folder.iterdir()] == ["over.cf32"]
    return folder / "over.cf32"


def bursts(console: str) -> list[tuple[float, float]]:
    """SNR in 3 kHz and frequency of what the demodulator is sure of, by the console."""
    found = re.findall(r"\d s  burst +SNR +([-.\d]+) dB +([-+]\d+) Hz", console)
    return [(float(snr), float(frequency)) for snr, frequency in found]


def statuses(console: str) -> list[str]:
    """Of the superframes that were played."""
    return re.findall(r"^#\d+ +(\w+)", console, re.MULTILINE)


def assert_received(done, folder: Path, said: Path, coded: bytes, ideal: float) -> None:
    """Every superframe, the speech as the codec alone gives it, and who it was."""
    assert done.returncode == 0, done.stderr
    superframes = len(coded) // PAYLOAD_BYTES
    assert len(statuses(done.stdout)) == superframes
    assert set(statuses(done.stdout)) <= {"clean", "corrected"}
    assert len(bursts(done.stdout)) >= superframes + 1  # and the station's
    assert re.search(r"^ +station +AB1CD  'dry run'$", done.stdout, re.MULTILINE)
    counts = [f"{n} {name}" for name, n in sorted(Counter(statuses(done.stdout)).items())]
    assert f"superframes: {', '.join(counts)}, from AB1CD" in done.stdout.splitlines()
    assert judged(said, read_audio(folder / "speaker.wav")) == pytest.approx(ideal, abs=0.005)


def test_a_dry_run_is_what_would_be_sent_and_is_received(
    receiver, start, dry, said, coded, ideal, tmp_path
) -> None:
    samples = np.fromfile(dry, np.complex64)
    power = np.abs(samples) ** 2
    assert np.sqrt(power.max()) < 1
    sending = power[np.convolve(power, np.ones(2400) / 2400, "same") > 0.01]
    assert np.sqrt(sending.mean()) == pytest.approx(LEVEL, rel=0.05)
    # Beside the channel, of images and steps, 70 dB less.
    spectrum = np.abs(np.fft.fft(samples * np.hanning(len(samples)))) ** 2
    beside = np.abs(np.fft.fftfreq(len(samples), 1 / RATE)) > 5000
    assert spectrum[beside].sum() < 1e-7 * spectrum.sum()
    done = start(receiver, tmp_path, "--device", f"file:{dry}")
    assert_received(done, tmp_path, said, coded, ideal)


def test_a_cheap_receiver_in_another_town(
    receiver, start, dry, said, coded, ideal, tmp_path
) -> None:
    """Off by 100 Hz and drifting, by a clock that is wrong, with an echo, its spike, its image,
    overdriven, in eight bits; 5 dB over the noise in 3 kHz, which fills all of the band."""
    samples = np.fromfile(dry, np.complex64) / LEVEL
    # The receiver is tuned 25 kHz too low.
    samples = samples * np.exp(2j * np.pi * 25e3 / RATE * np.arange(len(samples)))
    effects = [
        {"multipath": {"delay_ms": 1.0, "level_db": -10}},
        {"noise": {"snr_db": 5}},
        {"frequency": {"hz": 100, "drift_hz_per_s": 0.5}},
        {"clock": {"ppm": 30}},
        {"imbalance": {"gain_db": 0.8, "phase_deg": 5}},
        {"dc-offset": {"level_db": 10}},
        {"clipping": {"level_db": 18, "of": "rails"}},
        {"quantisation": {"bits": 8, "full_scale_db": 20}},
    ]
    heard = IqChain(effects_from(effects), seed=1, rate=RATE).process(samples)
    (0.1 * heard).astype(np.complex64).tofile(tmp_path / "heard.cf32")
    device = f"file:heard.cf32@{FREQUENCY - 25e3:.0f}"
    done = start(receiver, tmp_path, "--device", device, "--frequency", f"{FREQUENCY:.0f}")
    assert_received(done, tmp_path, said, coded, ideal)
    snr, frequency = np.mean(bursts(done.stdout), axis=0)
    assert frequency == pytest.approx(103, abs=5)
    assert 1 < snr < 6


def test_gr_osmosdr_into_a_file_and_out_of_it(
    transmitter, receiver, start, python, dry, said, coded, ideal, tmp_path
) -> None:
    """Bit for bit what the dry run has: the drivers differ in nothing."""
    found = subprocess.run([python, "-c", "import osmosdr"], capture_output=True, check=False)
    if found.returncode:
        pytest.skip("needs gr-osmosdr")
    words = ("--microphone-file", said, "--callsign", "AB1CD", "--text", "dry run")
    file = f"osmosdr:file=air.cf32,rate={RATE},freq={FREQUENCY:.0f}"
    done = start(transmitter, tmp_path, "--device", file, "--transmit", "yes", *words)
    assert done.returncode == 0, done.stderr
    sent, expected = (np.fromfile(path, np.complex64) for path in (tmp_path / "air.cf32", dry))
    # How much of the silence at the end is left in the filters is not always the same.
    assert abs(len(sent) - len(expected)) < 1000
    both = min(len(sent), len(expected))
    np.testing.assert_array_equal(sent[:both], expected[:both])
    file += ",repeat=false,throttle=false"
    done = start(receiver, tmp_path, "--device", file, "--offset", 0)
    assert_received(done, tmp_path, said, coded, ideal)


@pytest.fixture(scope="module")
def plugins(python: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment in which SoapySDR has a driver whose device is a file."""
    header = "#include <SoapySDR/Device.hpp>"
    compiler = shutil.which("g++")
    missing = not compiler or subprocess.run(
        [compiler, "-x", "c++", "-E", "-"], input=header, text=True, capture_output=True,
        check=False,
    ).returncode  # fmt: skip
    if missing:
        pytest.skip("needs g++ and libsoapysdr-dev, to build a driver of SoapySDR")
    folder = tmp_path_factory.mktemp("plugins")
    output = folder / "librecordingSupport.so"
    subprocess.run(
        [compiler, "-std=c++17", "-shared", "-fPIC", "-o", output, DRIVER, "-lSoapySDR"],
        check=True,
    )
    return {"SOAPY_SDR_PLUGIN_PATH": str(folder)}


def test_a_driver_of_soapysdr_is_told_what_was_asked_and_gets_the_samples(
    transmitter, receiver, start, plugins, said, coded, ideal, tmp_path
) -> None:
    """Through GNU Radio's Soapy blocks and SoapySDR itself, at the lowest rate that it has."""
    device = "soapy:driver=recording,tx=air.cf32,told=sink.txt"
    done = start(
        transmitter, tmp_path, "--device", device, "--transmit", "yes", "--callsign", "AB1CD",
        "--text", "dry run", "--microphone-file", said, "--frequency", "433.5e6",
        "--gain", "12.5", "--ppm=-20", "--offset=-30e3", **plugins,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = (tmp_path / "sink.txt").read_text().splitlines()
    tuned = (433.5e6 + 30e3) / (1 - 20e-6)
    assert told == ["rate 240000", f"frequency {tuned:.12g}", "automatic 0", "gain 12.5"]
    assert np.abs(np.fromfile(tmp_path / "air.cf32", np.complex64)).max() < 1
    device = "soapy:driver=recording,rx=air.cf32,told=source.txt"
    done = start(
        receiver, tmp_path, "--device", device, "--frequency", "433.5e6", "--offset=-30e3",
        "--gain", "LNA=16,VGA=20", "--antenna", "B", **plugins,
    )  # fmt: skip
    told = (tmp_path / "source.txt").read_text().splitlines()
    settings = ["automatic 0", "gain LNA 16", "gain VGA 20", "antenna B"]
    assert told == ["rate 240000", "frequency 433530000", *settings]
    assert_received(done, tmp_path, said, coded, ideal)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("--gain MIX=3", "gain must be one of LNA, VGA, not 'MIX'"),
        ("--antenna C", "antenna must be one of A, B, not 'C'"),
        ("--device soapy:driver=recording,absent=", "cannot open soapy:driver=recording,absent=:"),
    ],
)
def test_what_a_device_cannot_is_told_in_one_line(
    receiver, start, plugins, words: str, line: str, tmp_path
) -> None:
    device = ("--device", "soapy:driver=recording")
    done = start(receiver, tmp_path, *device, *words.split(), **plugins)
    assert done.returncode == 2
    assert line in one_line(done)


def one_line(done: subprocess.CompletedProcess) -> str:
    """What the program itself says; drivers have their own notes."""
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("voicelink: ")]
    assert "Traceback" not in done.stderr
    return line


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("--device uhd: --callsign AB1CD", "uhd: is not keyed unless transmit says that it may"),
        ("--device uhd: --transmit yes", "callsign must be the station's own"),
        ("--device uhd: --transmit yes --callsign AB1CD", "cannot open uhd:"),
        ("--mode bqsk", "mode must be one of bpsk"),
    ],
)
def test_what_does_not_start_says_why_and_leaves_files_alone(
    transmitter, start, words: str, line: str, tmp_path
) -> None:
    (tmp_path / "over.cf32").write_text("before")
    write_audio(tmp_path / "microphone.wav", np.zeros(800, np.float32))
    done = start(transmitter, tmp_path, *words.split())
    assert done.returncode == 2
    assert line in one_line(done)
    assert (tmp_path / "over.cf32").read_text() == "before"


def test_a_transceiver_on_a_sound_card(program, start, said, coded, ideal, tmp_path) -> None:
    """What goes to it is a signal around 1500 Hz; what comes from it is received."""
    path = program("transceiver")
    write_audio(tmp_path / "nothing.wav", np.zeros(4000, np.float32))
    done = start(
        path, tmp_path, "--microphone-file", said, "--from-radio-file", "nothing.wav",
        "--transmit", "yes", "--callsign", "AB1CD", "--text", "dry run",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    signal = read_audio(tmp_path / "to_radio.wav")
    assert 0.3 < np.abs(signal).max() < 1
    spectrum = np.abs(np.fft.rfft(signal)) ** 2
    frequency = np.fft.rfftfreq(len(signal), 1 / 8000)
    inside = (frequency > 250) & (frequency < 2750)
    assert spectrum[inside].sum() > 0.999 * spectrum.sum()
    other = tmp_path / "other"
    other.mkdir()
    words = ("--microphone-file", "../nothing.wav", "--from-radio-file", "../to_radio.wav")
    done = start(path, other, *words)
    assert_received(done, other, said, coded, ideal)
    # Not told that it may, it has only listened.
    assert not read_audio(other / "to_radio.wav").any()
    done = start(path, other, *words, "--transmit", "yes")
    assert done.returncode == 2
    assert "callsign must be the station's own" in one_line(done)
