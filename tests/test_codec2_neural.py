"""Codec 2's 700C: the library's bits and what they say, streams of c2enc, the neural voice."""

from __future__ import annotations

import ctypes
import ctypes.util
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from voicelink.models import codec2, codec2_file
from voicelink.models.codec import SpeechDecoder, SpeechEncoder, coded
from voicelink.models.errors import FormatError, ModelError
from voicelink.models.latents import CERTAIN, llrs_of

MODEL = "codec2-700c-neural"

needs_library = pytest.mark.skipif(codec2.absent() is not None, reason=f"needs {codec2.absent()}")
needs_programs = pytest.mark.skipif(
    shutil.which("c2enc") is None or shutil.which("c2dec") is None,
    reason="needs c2enc and c2dec: apt install codec2",
)


@pytest.fixture(scope="module")
def speech(sample: np.ndarray) -> np.ndarray:
    return sample[: 20 * 2560]


def c2enc(audio: np.ndarray, folder: Path, suffix: str) -> bytes:
    raw, out = folder / "speech.raw", folder / f"speech{suffix}"
    raw.write_bytes(np.round(audio * 32768).astype("<i2").tobytes())
    subprocess.run(["c2enc", "700C", raw, out], check=True, capture_output=True)
    return out.read_bytes()


def c2dec(stream: bytes) -> np.ndarray:
    done = subprocess.run(
        ["c2dec", "700C", "-", "-"], input=stream, capture_output=True, check=True
    )
    return np.frombuffer(done.stdout, "<i2").astype(np.float32) / 32768


@needs_library
@needs_programs
@pytest.mark.parametrize("suffix", [".c2", ".bin"])
def test_the_bits_are_those_of_c2enc(speech: np.ndarray, tmp_path: Path, suffix: str) -> None:
    payload = codec2.Encoder().encode(speech)
    assert 8 * len(payload) == 700 * len(speech) / 8000
    written = c2enc(speech, tmp_path, suffix)
    header = codec2_file.HEADER if suffix == ".c2" else b""
    assert header + codec2_file.stream(payload) == written
    assert codec2_file.payloads(written) == (payload, 160)


@needs_library
def test_the_features_are_what_the_library_reads_from_the_bits() -> None:
    """Its function for the envelope, of indexes packed by hand."""
    library = ctypes.CDLL(ctypes.util.find_library("codec2"))
    frequencies, levels, envelope = ((ctypes.c_float * codec2.BANDS)() for _ in range(3))
    mean = ctypes.c_float()
    rng = np.random.default_rng(0)
    for _ in range(10):
        index = [int(rng.integers(1 << width)) for width in (9, 9, 4, 6)]
        library.newamp1_indexes_to_rate_K_vec(
            levels, envelope, frequencies, codec2.BANDS, ctypes.byref(mean),
            (ctypes.c_int * 4)(*index), None, 0,
        )  # fmt: skip
        text = "".join(f"{i:0{width}b}" for i, width in zip(index, (9, 9, 4, 6), strict=True))
        bits = np.array([int(b) for b in text * 8])
        values, reliability = codec2.features(np.where(bits, -CERTAIN, CERTAIN)[None])
        np.testing.assert_allclose(reliability, 1, atol=1e-6)
        np.testing.assert_allclose(20 * values[0, :20], envelope, atol=1e-4)
        assert 28.75 + 18.75 * values[0, 20] == pytest.approx(mean.value, abs=1e-4)
        octaves, voicing = values[3, 21:]
        assert (octaves, voicing) == ((index[3] / 32 - 1, 1) if index[3] else (0, -1))


@needs_library
@needs_programs
def test_the_features_are_what_c2dec_says(speech: np.ndarray) -> None:
    """Its speech is loud where the mean is high, some 40 ms later."""
    payload = codec2.Encoder().encode(speech)
    said = c2dec(codec2_file.stream(payload))
    levels = np.log(np.mean(said.reshape(-1, 320) ** 2, axis=1) + 1e-9)
    values, _ = codec2.features(llrs_of(payload, codec2.PAYLOAD_BITS))
    assert np.corrcoef(values[:-1, 20], levels[1:])[0, 1] > 0.9


@needs_library
def test_what_is_half_known_is_an_expectation() -> None:
    rng = np.random.default_rng(1)
    sure = rng.choice([-CERTAIN, CERTAIN], (1, codec2.PAYLOAD_BITS))
    bit = 10  # of the second stage of the first frame
    both = []
    for sign in (-1, 1):
        sure[0, bit] = sign * CERTAIN
        both.append(codec2.features(sure)[0])
    sure[0, bit] = np.log(3)  # a 0 with three quarters
    values, reliability = codec2.features(sure)
    np.testing.assert_allclose(values, 0.25 * both[0] + 0.75 * both[1], atol=1e-6)
    assert (reliability[0, :20] < 1).all() and (reliability[1:] > 0.999999).all()
    _, nothing = codec2.features(np.zeros((2, codec2.PAYLOAD_BITS)))
    np.testing.assert_allclose(nothing, 0, atol=1e-6)


def test_a_stream_ends_within_a_payload() -> None:
    frames = np.zeros((11, 4), np.uint8)
    frames[:, 0] = np.arange(11)
    payload, count = codec2_file.payloads(frames.tobytes())
    assert (len(payload), count) == (56, 11)
    again = codec2_file.stream(payload)
    assert again[:44] == frames.tobytes() and again[44:] == 5 * frames[-1].tobytes()
    assert codec2_file.payloads(b"") == (b"", 0)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xc0\xde\xc2\x01\x00\x04\x00", "mode 1300 (4); it must be 700C (8)"),
        (b"\xc0\xde\xc2\x01", "ends within its header"),
        (bytes(9), "1 bytes follow the 2 frames"),
        (b"\x00\x00\x00\x01", "is not 700C"),
    ],
)
def test_other_streams_are_refused_in_one_line(content: bytes, said: str) -> None:
    with pytest.raises(FormatError) as caught:
        codec2_file.payloads(content, "speech.c2")
    assert said in str(caught.value) and str(caught.value).startswith("speech.c2 ")
    assert "\n" not in str(caught.value)


def test_a_stream_without_a_header_is_told_by_its_padding() -> None:
    rng = np.random.default_rng(2)
    stream = codec2_file.stream(rng.bytes(28))
    assert codec2_file.may_begin(stream) and codec2_file.may_begin(stream[:8])
    for other in (b"", stream[:4], b"RIFF....WAVE", b"VLNK\x01\x01\x00\x00"):
        assert not codec2_file.may_begin(other)


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    with pytest.raises(ModelError, match=r"the library libcodec2: apt install libcodec2-1\.0$"):
        SpeechDecoder(MODEL)


@pytest.fixture
def library_of(monkeypatch: pytest.MonkeyPatch):
    """Have another file found as libcodec2, which the caches must forget."""
    caches = (codec2._library, codec2._tables, codec2._unknown)

    def forget() -> None:
        for each in caches:
            each.cache_clear()

    def find(path: str) -> None:
        monkeypatch.setattr("ctypes.util.find_library", lambda name: path)
        forget()

    yield find
    forget()


@pytest.mark.parametrize("coder", [SpeechEncoder, SpeechDecoder])
def test_a_library_that_is_none_is_said_at_once(coder, tmp_path: Path, library_of) -> None:
    """Before any speech is there: a receiver does not learn it from the first frame."""
    path = tmp_path / "libcodec2.so"
    path.write_text("not a library")
    library_of(str(path))
    with pytest.raises(
        ModelError, match=r"cannot be used \(.*libcodec2\.so.*apt install"
    ) as caught:
        coder(MODEL)
    assert "\n" not in str(caught.value)


@pytest.fixture
def another() -> str:
    """The name of a library that is not libcodec2."""
    return ctypes.util.find_library("m") or pytest.skip("needs a library of mathematics")


@pytest.mark.parametrize("coder", [SpeechEncoder, SpeechDecoder])
def test_a_library_without_the_functions_is_refused(coder, another: str, library_of) -> None:
    library_of(another)
    with pytest.raises(ModelError, match="undefined symbol: codec2_create"):
        coder(MODEL)


def test_a_library_without_the_codebooks_is_refused(
    another: str, monkeypatch: pytest.MonkeyPatch, library_of
) -> None:
    library_of(another)
    monkeypatch.setattr(codec2, "_library", lambda: ctypes.CDLL(another))
    with pytest.raises(ModelError, match="undefined symbol: newamp1vq_cb"):
        SpeechDecoder(MODEL)


@needs_library
def test_a_lost_superframe_is_bridged(speech: np.ndarray) -> None:
    """What is said meanwhile is nearer to the speech than silence, and the rest as before."""
    encoder, decoder = SpeechEncoder(MODEL), SpeechDecoder(MODEL)
    llrs = llrs_of(encoder.encode(speech), codec2.PAYLOAD_BITS)
    whole = decoder.decode_llrs(llrs).reshape(-1, 2560)
    decoder.reset()
    llrs[6] = 0
    bridged = decoder.decode_llrs(llrs).reshape(-1, 2560)
    np.testing.assert_array_equal(bridged[:6], whole[:6])
    level, wanted = (np.sqrt(np.mean(x[6] ** 2)) for x in (bridged, whole))
    assert 0.03 * wanted < level < 2 * wanted
    levels = [np.sqrt(np.mean(x[9:] ** 2, axis=1)) for x in (bridged, whole)]
    np.testing.assert_allclose(*levels, rtol=0.2, atol=0.005)


@needs_library
@needs_programs
def test_the_neural_voice_is_nearer_to_the_speaker_than_c2dec(dev_speech: Path) -> None:
    """Over all recordings: more intelligible by far, and by PESQ not worse (1.95 for 1.92)."""
    pesq = pytest.importorskip("pesq", reason="needs the extra `eval`")
    pystoi = pytest.importorskip("pystoi", reason="needs the extra `demo`")
    from voicelink.blocks.audio import read_audio

    gains = []
    for path in sorted(dev_speech.glob("*.flac")):
        audio = read_audio(path)
        ours, payload, _ = coded(audio, MODEL)
        theirs = c2dec(codec2_file.stream(payload))[: len(audio)]
        scores = [
            (pesq.pesq(8000, audio, x, "nb"), pystoi.stoi(audio, x, 8000, extended=True))
            for x in (ours, theirs)
        ]
        gains.append(np.subtract(*scores))
    assert len(gains) == 30
    quality, intelligibility = np.mean(gains, axis=0)
    assert quality > 0 and intelligibility > 0.05, (quality, intelligibility)
