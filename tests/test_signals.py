"""Signals in files: what modulate writes, demodulate hears, whatever the form; hostile ones too."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from signals import FRAMES, heard, over, write_recording

from voicelink.blocks.audio import read_audio, write_audio
from voicelink.link_sim.field.baseband import FromBaseband, ToBaseband
from voicelink.link_sim.field.samples import SampleFormat
from voicelink.link_sim.field.sending import SignalMaker
from voicelink.link_sim.field.signals import open_signal, signal_writer
from voicelink.link_sim.field.testframes import packets
from voicelink.models.card import card
from voicelink.models.errors import FormatError, VoiceLinkError

pytest.importorskip("sigmf")

FORMS = {
    "passband.wav": (48000, True, None),
    "passband.flac": (44100, True, None),
    "iq.wav": (8000, False, None),
    "floats.sigmf-meta": (8000, False, None),
    "fixed.sigmf-data": (48000, False, "ci16_le"),
    "bytes.sigmf-meta": (240_000, False, "cu8"),
    "signed.sigmf-meta": (32_000, False, "ci8"),
    "real.sigmf-meta": (8000, True, "ri16_le"),
    "raw.cf32": (11025, False, None),
    "raw.cu8": (250_000, False, None),
    "raw.cs16": (8000, False, None),
    "raw.s16": (8000, True, None),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_signal_survives_each_kind_of_file(name: str, tmp_path: Path) -> None:
    rate, real, form = FORMS[name]
    signal = over(rate, real, offset=120)
    path = str(tmp_path / name)
    with signal_writer(path, rate, real, form) as write:
        for part in np.array_split(signal, 7):
            write(part)
    raw = name.startswith("raw")
    with open_signal(path, rate if raw else None) as opened:
        assert (opened.rate, opened.real) == (rate, real)
        read = np.concatenate([s for capture in opened.captures for s in opened.read(capture)])
    assert len(read) == len(signal)
    frames = heard(read, rate, real)
    assert len(frames) == FRAMES and not any(frame.failed for frame in frames)
    assert frames[-1].callsign == "N0CALL" and frames[-1].end
    assert abs(frames[-1].offset_hz - 120) < 1
    # Each stands where it was sent: behind 0.3 s of silence, one every 320 ms.
    starts = np.array([frame.start for frame in frames]) / rate
    np.testing.assert_allclose(starts - starts[0], 0.32 * np.arange(FRAMES), atol=2e-4)
    assert 0.3 < starts[0] < 0.32


def test_speech_to_signal_to_speech(sample_path: Path, tmp_path: Path, voicelink) -> None:
    signal, heard_file = tmp_path / "signal.sigmf-meta", tmp_path / "heard.wav"
    log = tmp_path / "frames.jsonl"
    status, _, err = voicelink(
        "modulate", sample_path, signal, "--callsign", "n0call", "--text", "hello",
        "--rate", 48000, "--offset", 9000, "--mode", "qpsk", "--spread", 2,
    )  # fmt: skip
    assert status == 0 and "offset 9000 Hz, 12" in err
    # A recording says itself how it is to be received.
    status, _, err = voicelink("demodulate", signal, heard_file, "--json", log)
    assert status == 0 and err.endswith(" 2 station; N0CALL; 'hello'\n")
    assert "soft" not in err and "concealed" not in err
    speech, again = read_audio(sample_path), read_audio(heard_file)
    assert len(speech) <= len(again) < len(speech) + 2560
    first, *lines = map(json.loads, log.read_text().splitlines())
    assert first["mode"] == "qpsk" and first["spread"] == 2
    assert [line["sequence"] for line in lines] == list(range(63))
    assert lines[0]["status"] == "station" and lines[0]["text"] == "hello"
    assert lines[-1]["fer"] == 0 and lines[-1]["snr_db"] > 20
    # And what is heard is what the codec alone makes of it.
    voicelink("encode", sample_path, tmp_path / "s.vl")
    voicelink("decode", tmp_path / "s.vl", tmp_path / "s.wav")
    assert np.array_equal(read_audio(tmp_path / "s.wav"), again)


def test_a_recording_says_its_model(sample: np.ndarray, tmp_path: Path, voicelink, refused) -> None:
    """Which is taken where --model is not given; by name alone, as it may be a stranger's."""
    speech, signal, log = tmp_path / "s.wav", tmp_path / "signal.sigmf-meta", tmp_path / "l.jsonl"
    write_audio(speech, sample[:16000])
    voicelink("modulate", speech, signal, "--model", "voice-profile", "--callsign", "N0CALL")
    for words in (("demodulate", "--json"), ("field", "replay", "--log")):
        status, _, err = voicelink(*words, log, signal, tmp_path / "heard.wav")
        assert status == 0 and " clean" in err and "N0CALL" in err
        assert json.loads(log.read_text().splitlines()[0])["model"] == "voice-profile"
    said = refused("demodulate", signal, tmp_path / "o.wav", "--model", "neural-800")
    assert "of the sender's --mode, --spread and --model" in said
    text = signal.read_text()
    assert text.count('"voicelink:model": "voice-profile"') == 1
    folder = str(Path(card("voice-profile").folder))
    for name in ("mine-800", folder):
        signal.write_text(text.replace('"voice-profile"', json.dumps(name)))
        said = refused("field", "replay", signal, tmp_path / "o.wav")
        assert "none of those here: --model must give its folder" in said
        assert voicelink("demodulate", signal, "--model", folder)[0] == 0
    assert not (tmp_path / "o.wav").exists()


def test_a_signal_of_another_model_is_said_to_be_one(tmp_path: Path, voicelink, refused) -> None:
    signal, heard_file = tmp_path / "s.wav", tmp_path / "o.wav"
    voicelink("field", "testframes", signal, "--seconds", 3, "--model", "parametric-800")
    hint = "what comes is of the model parametric-800: it takes --model parametric-800"
    said = refused("demodulate", signal, heard_file, "--json", tmp_path / "o.jsonl")
    assert said == f"voicelink: nothing was heard: {hint}"
    assert [path.name for path in tmp_path.iterdir()] == ["s.wav"]
    # Where nothing was to be heard, what was counted stands.
    status, out, err = voicelink("demodulate", signal, "--json", "-")
    assert status == 0 and len(out.splitlines()) == 10
    assert err == f"voicelink: 9 foreign\nvoicelink: note: {hint}\n"


def test_a_failed_frame_of_another_model_is_no_speech_of_ours(
    tmp_path: Path, voicelink, refused
) -> None:
    """It does not say whose it is, and so counts as our own; whole ones tell."""
    signal, heard_file = tmp_path / "s.wav", tmp_path / "o.wav"
    due = list(packets("half", "parametric-800", "N0CALL", 1, FRAMES))
    flips = np.packbits(np.random.default_rng(1).random(8 * 74) < 0.12)
    due[4] = [replace(due[4][0], data=due[4][0].data ^ flips)]
    with signal_writer(str(signal), 8000, True) as write:
        for samples in SignalMaker(8000, True).over(due):
            write(samples)
    said = refused("demodulate", signal, heard_file)
    assert said.startswith("voicelink: nothing was heard: what comes is of the model parametric")
    assert not heard_file.exists()
    assert voicelink("demodulate", signal)[2].startswith("voicelink: 1 soft, 8 foreign\n")


@pytest.mark.parametrize("words", [("modulate", "{sample}"), ("field", "testframes")])
def test_a_signal_without_a_callsign_is_written_with_a_note(
    words: tuple[str, ...], sample_path: Path, tmp_path: Path, voicelink
) -> None:
    """`send --transmit` refuses to do without; a file may be for a simulation."""
    signal = tmp_path / "over.cs8"
    words = [word.format(sample=sample_path) for word in words]
    status, _, err = voicelink(*words, signal)
    note = "voicelink: note: nothing in it says who sends: "
    assert status == 0 and f"{note}before it goes on the air, it needs --callsign\n" in err
    assert signal.stat().st_size > 10_000
    assert "note:" not in voicelink(*words, signal, "--callsign", "AB1CD")[2]


@pytest.mark.parametrize(("rate", "real"), [(8000, False), (250_000, False), (48000, True)])
def test_a_stream_in_pieces_is_heard_as_the_whole(rate: int, real: bool) -> None:
    signal = over(rate, real)
    random = np.random.default_rng(3)
    whole, pieces = (ToBaseband(rate, real, 100) for _ in range(2))
    cuts = np.sort(random.integers(0, len(signal), 40))
    parts = [pieces.push(part) for part in np.split(signal, cuts)]
    at_once = np.concatenate([whole.push(signal), whole.finish()])
    assert np.array_equal(np.concatenate([*parts, pieces.finish()]), at_once)


def test_the_way_to_baseband_undoes_the_way_from_it() -> None:
    random = np.random.default_rng(0)
    # Noise within the modem's bandwidth.
    spectrum = np.zeros(8000, complex)
    spectrum[np.r_[:1200, -1200:0]] = random.standard_normal((2400, 2)) @ [1, 1j]
    baseband = np.fft.ifft(spectrum).astype(np.complex64) * 100
    for rate, real, offset in ((8000, True, 0), (44100, True, -200), (1e6, False, 123_456.7)):
        there, back = FromBaseband(rate, real, offset), ToBaseband(rate, real, offset)
        signal = np.concatenate([there.push(baseband), there.finish()])
        got = np.concatenate([back.push(signal), back.finish()])[back.delay :][: len(baseband)]
        inner = slice(400, len(got) - 400)
        error = np.mean(np.abs(got[inner] - baseband[inner]) ** 2)
        assert error < 1e-4 * np.mean(np.abs(baseband) ** 2), rate


def test_formats_keep_what_they_can_hold() -> None:
    signal = np.array([0, 0.5 - 0.25j, -1 + 0.99j], np.complex64)
    for name, step in (("cf32_le", 0), ("cf64_be", 0), ("ci16_le", 2**-15), ("ci16_be", 2**-15),
                       ("ci8", 2**-7), ("cu8", 2**-7)):  # fmt: skip
        form = SampleFormat.of(name)
        data = form.encode(signal)
        assert len(data) == 3 * form.bytes
        np.testing.assert_allclose(form.decode(data), signal, atol=step / 2 + 1e-9)
    # What is beyond full scale is cut, and does not wrap round.
    beyond = SampleFormat.of("ci8").decode(SampleFormat.of("ci8").encode(np.array([2 - 3j])))
    assert beyond[0] == np.complex64(127 / 128 - 1j)


@pytest.mark.parametrize("name", ["cf31", "ci16", "", "cu8_le", "x16_le", "cf32_le\n"])
def test_formats_that_are_none(name: str) -> None:
    if name == "ci16":
        assert SampleFormat.of(name).name == "ci16_le"  # a short name of it
        return
    with pytest.raises(VoiceLinkError, match="sample format"):
        SampleFormat.of(name)


def test_samples_that_are_no_numbers_do_no_lasting_harm() -> None:
    signal = over()
    signal[200:300] = np.nan
    signal[-50] = np.inf + 1e38j
    frames = heard(signal)
    assert len(frames) == FRAMES and not any(frame.failed for frame in frames)
    assert heard(np.full(20_000, 1e30 - 1e30j, np.complex64)) == []


def test_files_that_were_cut_are_heard_as_far_as_they_go(tmp_path: Path, voicelink) -> None:
    path = write_recording(tmp_path, over())
    data = tmp_path / "r.sigmf-data"
    data.write_bytes(data.read_bytes()[: 8 * 15_000 + 5])
    status, _, err = voicelink("demodulate", path)
    assert status == 0
    assert "its last 5 bytes are no whole sample" in err and " clean" in err
    data.write_bytes(b"")
    assert voicelink("demodulate", path)[2] == "voicelink: no frame was found\n"
    # An output of before is worth more than one without speech.
    before = tmp_path / "heard.wav"
    before.write_bytes(b"before")
    status, _, err = voicelink("demodulate", path, before)
    assert status == 2 and "no frame was found" in err and "--mode" in err
    assert before.read_bytes() == b"before" and len(list(tmp_path.glob("*heard*"))) == 1


def test_captures_are_stretches_without_gaps(tmp_path: Path) -> None:
    signal = over()
    path = write_recording(
        tmp_path, np.concatenate([signal, signal]),
        captures=[
            {"core:sample_start": 0, "core:datetime": "2026-01-02T03:04:05Z"},
            {"core:sample_start": len(signal), "core:datetime": "2026-01-02T04:00:00.5Z",
             "core:frequency": 7.1e6},
        ],
    )  # fmt: skip
    with open_signal(str(path)) as opened:
        first, second = opened.captures
        assert (first.start, first.count) == (0, len(signal)) and first.time.hour == 3
        assert second.frequency == 7.1e6 and second.time.microsecond == 500_000
        assert sum(map(len, opened.read(first))) == len(signal)
        assert sum(map(len, opened.read(second))) == len(signal)


def test_the_file_that_the_metadata_name_is_not_written_over(tmp_path: Path, refused) -> None:
    meta = write_recording(tmp_path, over(), top={"core:dataset": "y.wav"})
    samples = (tmp_path / "r.sigmf-data").rename(tmp_path / "y.wav")
    before = samples.read_bytes()
    assert "it is the input" in refused("demodulate", meta, samples)
    assert samples.read_bytes() == before


def test_header_bytes_are_no_samples(tmp_path: Path) -> None:
    path = write_recording(
        tmp_path, np.zeros(0), captures=[{"core:sample_start": 0, "core:header_bytes": 64}]
    )
    signal = over().astype("<c8")
    (tmp_path / "r.sigmf-data").write_bytes(b"\xff" * 64 + signal.tobytes())
    with open_signal(str(path)) as opened:
        read = np.concatenate(list(opened.read(opened.captures[0])))
    assert np.array_equal(read, signal)


def test_header_and_trailing_bytes_of_other_programs_files_are_no_samples(tmp_path: Path) -> None:
    """A file of another kind with a header before each capture, one without samples, and a trailer
    that is as long as some samples."""
    signal = over().astype("<c8")
    half, size = len(signal) // 2, 8
    path = write_recording(
        tmp_path, np.zeros(0), top={"core:dataset": "r.dat", "core:trailing_bytes": 5 * size},
        captures=[
            {"core:sample_start": 0, "core:header_bytes": 44},
            {"core:sample_start": half, "core:header_bytes": 3},
            {"core:sample_start": half, "core:header_bytes": 7},
        ],
    )  # fmt: skip
    first, second = signal[:half].tobytes(), signal[half:].tobytes()
    content = b"h" * 44 + first + b"h" * 10 + second + b"t" * 5 * size
    (tmp_path / "r.dat").write_bytes(content)
    notes: list[str] = []
    with open_signal(str(path), note=notes.append) as opened:
        read = [np.concatenate(list(opened.read(capture))) for capture in opened.captures]
    assert [len(part) for part in read] == [half, len(signal) - half]
    assert np.array_equal(np.concatenate(read), signal) and notes == []


BAD = {
    "none.sigmf-meta": "none.sigmf-meta: No such file",
    "none.wav": "none.wav: No such file",
    "none.cf32 --rate 8000": "none.cf32: No such file",
    "words.sigmf-meta": "is no SigMF metadata",
    "list.sigmf-meta": "is no SigMF metadata",
    "deep.sigmf-meta": "is no SigMF metadata",
    "rate.sigmf-meta": "core:sample_rate is missing",
    "slow.sigmf-meta": "core:sample_rate must be a number from 8000",
    "type.sigmf-meta": "sample format",
    "stereo.sigmf-meta": "core:num_channels must be 1, not 2",
    "nodata.sigmf-meta": "nodata.sigmf-data, is not there",
    "away.sigmf-meta": "must name a file beside it",
    "header.sigmf-meta": "must fit into header.sigmf-data, which has 800 bytes, and are 900",
    "trailer.sigmf-meta": "must fit into trailer.sigmf-data, which has 800 bytes, and are 801",
    "before.sigmf-meta": "core:sample_start must not be less than core:offset",
    "order.sigmf-meta": "captures has incorrect sample start ordering",
    "words.wav": "no audio file",
    "five.wav": "has 5 channels",
    "slow.wav": "rate must be a number from 8000",
    "good.cf32": "--rate must give",
    "good.xyz": "must end with one of .wav",
    "good.wav --rate 8000": "are for raw samples",
    "good.wav --format s16 --rate 8000": "are for raw samples",
    "good.cf32 --rate 10": "--rate must be a number from 8000",
    "good.cf32 --rate 8000 --format cf33": "sample format",
    "good.cf32 --rate 8000 --offset 3000": "offset must be from -2800 to 2800 Hz",
    "good.cf32 --rate 8000 --mode bpks": "did you mean bpsk",
    "good.cf32 --rate 8000 --spread 3": "spread must be 1, or one of",
    "good.cf32 --rate 8000 --range 900": "frequency_range",
    "good.cf32 o.xyz --rate 8000": "must end with .wav",
    "good.cf32 o.wav --rate 8000 --testframes": "no speech",
    "good.cf32 - --rate 8000 --json -": "--json must name a file",
    "-": "--format must name",
}


@pytest.mark.parametrize("line", BAD)
def test_bad_signals_get_one_line(line: str, refused, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    samples = np.zeros(100, np.complex64)
    Path("words.sigmf-meta").write_text("{")
    Path("list.sigmf-meta").write_text("[]")
    Path("deep.sigmf-meta").write_text('{"a":' * 5000)
    Path("words.wav").write_text("no sound")
    samples.tofile("good.cf32")
    soundfile.write("five.wav", np.zeros((10, 5)), 8000)
    soundfile.write("slow.wav", np.zeros(10), 4000)
    soundfile.write("good.wav", np.zeros(10), 8000)
    write_recording(tmp_path, samples, name="slow", rate=100)
    write_recording(tmp_path, samples, name="type", top={"core:datatype": "cf32_le_more"})
    write_recording(tmp_path, samples, name="stereo", top={"core:num_channels": 2})
    write_recording(tmp_path, samples, name="away", top={"core:dataset": "../../etc/passwd"})
    write_recording(tmp_path, samples, name="trailer", top={"core:trailing_bytes": 801})
    start = [{"core:sample_start": 0}]
    write_recording(tmp_path, samples, name="before", top={"core:offset": 5}, captures=start)
    header = {"core:sample_start": 0, "core:header_bytes": 900}
    write_recording(tmp_path, samples, name="header", captures=[header])
    order = [{"core:sample_start": start} for start in (0, 50, 20)]
    write_recording(tmp_path, samples, name="order", captures=order)
    write_recording(tmp_path, samples, name="nodata")
    Path("nodata.sigmf-data").unlink()
    path = write_recording(tmp_path, samples, name="rate")
    path.write_text(path.read_text().replace("core:sample_rate", "core:simple_rate"))
    assert BAD[line] in refused("demodulate", *line.split())
    assert not Path("o.wav").exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("no/o.wav", "its folder does not exist"),
        ("o.xyz", "must end with one of"),
        ("o.wav --rate 4000", "rate must be a number from 8000"),
        ("o.wav --rate 8000.5", "must be a whole number"),
        ("o.wav --offset 2000", "offset must be from -1000 to 1000 Hz around 1500 Hz"),
        ("o.cf32 --mode none", "mode must be one of"),
        ("o.cf32 --level 30", "level must be"),
        ("o.s16 --iq", "--iq: real samples"),
        ("o.wav --format cs16", "an audio file has its own"),
        ("o.cf32 --callsign F4|BAD", "callsign must"),
        ("-", "--format must name"),
    ],
)
def test_signals_that_cannot_be_written(
    line: str, said: str, refused, sample_path: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert said in refused("modulate", sample_path, *line.split())
    assert list(tmp_path.iterdir()) == []


KEYS = ["core:sample_start", "core:sample_rate", "core:datatype", "core:header_bytes",
        "core:num_channels", "core:offset", "core:datetime", "core:frequency", "core:dataset",
        "core:trailing_bytes",
        "voicelink:mode", "voicelink:spread", "voicelink:offset", "voicelink:model",
        "voicelink:status"]  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["cf32_le", "bpsk", "2026-01-01T00:00:00Z", 0, 8000, 1 << 62]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner),
    max_leaves=6,
)  # fmt: skip


@given(
    top=st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=3),
    captures=VALUES | st.lists(st.dictionaries(st.sampled_from(KEYS), VALUES), max_size=3),
    annotations=VALUES | st.lists(st.dictionaries(st.sampled_from(KEYS), VALUES), max_size=2),
)
@settings(
    max_examples=60, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
def test_whatever_the_metadata_say_they_are_read_or_refused(
    top, captures, annotations, tmp_path: Path, voicelink
) -> None:
    path = write_recording(
        tmp_path, np.zeros(300, np.complex64), top=top, captures=captures, annotations=annotations
    )
    for verb in (("demodulate",), ("field", "replay")):
        status, _, err = voicelink(*verb, path)
        assert status in (0, 2) and "Traceback" not in err
        assert status == 0 or err.count("\n") == 1


@given(content=st.binary(max_size=200))
@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_the_bytes_are_they_are_read_or_refused(content: bytes, tmp_path: Path) -> None:
    for name in ("b.wav", "b.flac", "b.sigmf-meta", "b.cu8", "b.cf32"):
        (tmp_path / name).write_bytes(content)
        raw = name in ("b.cu8", "b.cf32")
        try:
            with open_signal(str(tmp_path / name), 8000.0 if raw else None) as opened:
                for capture in opened.captures:
                    for samples in opened.read(capture):
                        assert np.isfinite(samples).all()
        except FormatError as error:
            assert "\n" not in str(error)
