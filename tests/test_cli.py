"""The command line: what each verb does, and one line for what it cannot use."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from ctypes.util import find_library
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voicelink.blocks.audio import read_audio
from voicelink.link_sim.commands import VERBS
from voicelink.link_sim.field.signals import signal_writer
from voicelink.models.card import variants

VOICELINK = Path(sys.executable).parent / "voicelink"


def pipe(command: str, folder: Path, **options) -> subprocess.CompletedProcess:
    """Run a line of shell, with `voicelink` being the installed one."""
    path = f"{VOICELINK.parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        command, shell=True, cwd=folder, capture_output=True, timeout=120,
        env=os.environ | {"PATH": path}, check=False, **options,
    )  # fmt: skip


def test_help_lists_every_verb_and_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom voicelink.link_sim.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "heavy = {'onnxruntime', 'scipy', 'torch', 'zmq', 'matplotlib', 'gnuradio', 'soundfile'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert all(verb in done.stdout for verb in VERBS)
    assert done.stderr.strip() == "[]"


def test_the_version_is_said(voicelink) -> None:
    assert voicelink("--version") == (0, f"voicelink {metadata.version('gr-voicelink')}\n", "")


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb: str, voicelink) -> None:
    status, out, _ = voicelink(verb, "--help")
    assert status == 0 and out.startswith("usage: voicelink " + verb)


def test_encode_and_decode(sample_path: Path, sample, tmp_path: Path, voicelink) -> None:
    bits, audio = tmp_path / "s.vl", tmp_path / "s.wav"
    assert voicelink("encode", sample_path, bits)[0] == 0
    assert (bits.stat().st_size - 8) % 32 == 0
    assert voicelink("decode", bits, audio)[0] == 0
    assert len(sample) <= len(read_audio(audio)) < len(sample) + 2560


def test_encode_and_decode_in_a_pipe_give_the_same(
    sample_path: Path, tmp_path: Path, voicelink
) -> None:
    voicelink("encode", sample_path, tmp_path / "s.vl")
    voicelink("decode", tmp_path / "s.vl", tmp_path / "s.wav")
    done = pipe(
        f"voicelink encode {shlex.quote(str(sample_path))} - | voicelink decode - - > p.wav",
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "p.wav").read_bytes() == (tmp_path / "s.wav").read_bytes()


def test_raw_samples_stream_through_a_pipe(sample, tmp_path: Path) -> None:
    (np.round(sample * 32767).astype("<i2")).tofile(tmp_path / "in.raw")
    line = "cat in.raw | voicelink encode --raw - - | voicelink decode --raw - - > out.raw"
    done = pipe(line, tmp_path)
    assert done.returncode == 0 and done.stderr == b""
    heard = np.fromfile(tmp_path / "out.raw", "<i2")
    assert len(sample) <= len(heard) < len(sample) + 2560
    assert np.abs(heard).max() > 3000


def test_a_reader_that_goes_away_ends_it_quietly(sample_path: Path, tmp_path: Path) -> None:
    path = shlex.quote(str(sample_path))
    done = pipe(f"(voicelink encode {path} - ; echo $? > status) | head -c 4 > first", tmp_path)
    assert (tmp_path / "first").read_bytes() == b"VLNK"
    assert (tmp_path / "status").read_text().strip() == "0"
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("line", ["encode {sample} -", "models", "sim {sample} -"])
def test_standard_output_that_cannot_be_written_to_is_said(
    line: str, sample_path: Path, tmp_path: Path
) -> None:
    line = line.format(sample=shlex.quote(str(sample_path)))
    # Buffered, as it is where nobody has set the variable.
    done = pipe(f"unset PYTHONUNBUFFERED; voicelink {line} > /dev/full", tmp_path)
    assert done.returncode == 2
    assert done.stderr == b"voicelink: No space left on device\n"


def test_sim_reports_for_people_and_programs(sample_path: Path, tmp_path: Path, voicelink) -> None:
    files = [tmp_path / n for n in ("out.wav", "link.png", "report.json")]
    status, out, _ = voicelink(
        "sim", sample_path, files[0], "--loss", 0.1, "--seed", 4, "--profile", "half",
        "--awgn", 2.5, "--picture", files[1], "--json", files[2], "--callsign", "n0call",
    )  # fmt: skip
    assert status == 0 and "superframes" in out
    assert all(f.stat().st_size for f in files)
    report = json.loads(files[2].read_text())
    assert report["seed"] == 4
    assert [c["channel"] for c in report["channel"]] == ["loss", "awgn"]
    assert 0 < report["quality"]["estoi"] < 1
    status, out, _ = voicelink(
        "sim", sample_path, tmp_path / "again.wav", "--loss", 0.1, "--seed", 4, "--profile", "half",
        "--awgn", 2.5, "--json", "-", "--callsign", "n0call",
    )  # fmt: skip
    again = json.loads(out)
    del again["cpu"], report["cpu"]
    assert again == report
    assert files[0].read_bytes() == (tmp_path / "again.wav").read_bytes()


def test_demo_leaves_what_it_says(tmp_path: Path, voicelink) -> None:
    status, out, _ = voicelink("demo", tmp_path / "demo")
    assert status == 0
    for name in ("said.wav", "heard.wav", "link.png"):
        assert str(tmp_path / "demo" / name) in out
        assert (tmp_path / "demo" / name).stat().st_size > 10_000


def test_models_are_listed_and_shown(voicelink) -> None:
    assert "neural-800" in voicelink("models")[1]
    assert json.loads(voicelink("models", "--json")[1])[0]["number"] == 1
    assert "LibriSpeech" in voicelink("models", "show", "neural-800")[1]


@pytest.mark.parametrize("columns", [80, 132])
def test_the_list_of_models_fits_into_the_terminal(columns: int, voicelink, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    head, *lines = voicelink("models")[1].splitlines()
    assert columns - 20 < max(map(len, lines)) <= columns
    names = [line[: head.index(" number")].strip() for line in lines]
    assert [name for name in names if name] == sorted(variants(), key=names.index)
    # Every title begins where the titles above it do.
    begin = head.index("MB") + 4
    assert all(line[begin - 1 : begin + 1].strip() == line[begin] for line in lines)


def test_a_cut_bitstream_is_decoded_as_far_as_it_goes(
    sample_path: Path, tmp_path: Path, voicelink
) -> None:
    bits = tmp_path / "s.vl"
    voicelink("encode", sample_path, bits)
    bits.write_bytes(bits.read_bytes()[: 8 + 5 * 32 + 11])
    status, _, err = voicelink("decode", bits, tmp_path / "s.wav")
    assert status == 0 and "its last 11 bytes are no whole superframe" in err
    assert len(read_audio(tmp_path / "s.wav")) == 5 * 2560 - 240


def test_random_bits_decode_to_something(tmp_path: Path, voicelink) -> None:
    bits = tmp_path / "r.vl"
    bits.write_bytes(bytes.fromhex("564c4e4b01010000") + np.random.default_rng(0).bytes(320))
    assert voicelink("decode", bits, tmp_path / "r.wav")[0] == 0
    assert np.isfinite(read_audio(tmp_path / "r.wav")).all()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "see voicelink --help"),
        ("simulate a b", "invalid choice: 'simulate'"),
        ("encode none.wav o.vl", "none.wav: No such file"),
        ("encode empty.wav o.vl", "empty.wav is empty"),
        ("encode words.txt o.vl", "no audio file"),
        ("encode nan.wav o.vl", "2 samples that are NaN or infinite"),
        ("encode {sample} no/o.vl", "cannot write no/o.vl"),
        ("encode {sample} o.vl --model neural-801", "did you mean neural-800"),
        ("encode {sample} folder", "cannot write folder: it is a folder"),
        ("encode {sample} /dev/null", "cannot write /dev/null: it is a device"),
        ("encode {sample} o.c2", "o.c2: .c2 files are Codec 2's"),
        ("encode {sample} o.C2 --model voice-profile", "name a bitstream of voice-profile .vl"),
        ("encode nan.wav nan.wav", "nan.wav has the name of an audio file; a bitstream is none"),
        ("encode --raw nan.wav o.vl", "--raw takes samples without a header"),
        ("encode {sample} o.vl --model folder", "a folder with a card.yaml, not folder"),
        ("encode {sample} o.vl --model " + 300 * "a", "File name too long"),
        ("encode {sample} o.vl --model neural-800:", "one of neural-800, not 'neural-800:'"),
        ("encode {sample} o.vl --voice short.vl", "--voice: neural-800 has no voice to be given"),
        ("sim {sample} o.wav --voice short.vl", "voice-profile has"),
        ("modulate {sample} o.wav --voice short.vl", "--voice: neural-800"),
        ("send {sample} --voice short.vl", "--voice: neural-800"),
        (
            "encode {sample} o.vl --model voice-profile --voice short.vl",
            "--voice: short.vl holds 39 bytes; a voice of voice-profile has 24",
        ),
        ("decode none.vl o.wav", "none.vl: No such file"),
        ("decode folder o.wav", "cannot read folder: Is a directory"),
        ("decode raw.c2 o.wav", "--model codec2-700c-neural decodes it"),
        ("decode raw.bits o.wav", "--model codec2-700c-neural decodes it"),
        ("decode --raw short.vl o.wav", "--raw writes samples without a header: name it .raw"),
        ("models voice {sample} no/me.voice", "cannot write no/me.voice"),
        ("models voice {sample} me.wav", "a voice is none: name it .voice"),
        ("models show folder", "a folder with a card.yaml, not folder"),
        ("decode empty.wav o.wav", "the bitstream is empty"),
        ("decode words.txt o.wav", "must begin with the letters VLNK, not with Thes"),
        ("decode newer.vl o.wav", "version 7; this software reads version 1"),
        ("decode stranger.vl o.wav", "no model here has the number 14"),
        ("decode short.vl o.wav", "no whole superframe"),
        ("decode short.vl o.doc", "must end with .wav"),
        ("sim {sample} o.wav --profile hlaf", "did you mean half"),
        ("sim {sample} o.wav --loss 2", "from 0 to 1"),
        ("sim {sample} o.wav --loss much", "invalid float value"),
        ("sim {sample} o.wav --awgn nan", "ebn0_db"),
        ("sim {sample} o.wav --channel los:probability=1", "did you mean loss"),
        ("sim {sample} o.wav --channel loss:probabilty=1", "did you mean probability"),
        ("sim {sample} o.wav --scenario lossy", "did you mean lossy-ip"),
        ("sim {sample} o.wav --yaml none.yaml", "none.yaml"),
        ("sim {sample} o.wav --yaml broken.yaml", "broken.yaml"),
        ("sim {sample} o.wav --yaml unknown.yaml", "did you mean burst"),
        ("sim {sample} o.wav --awgn 1 --awgn 1", "cannot follow"),
        ("sim {sample} o.wav --scenario radio-hf", "not of 296: the sender needs --profile half"),
        ("sim {sample} o.wav --buffer -1", "buffer must be"),
        ("sim {sample} o.wav --seed -1", "seed"),
        ("sim {sample} o.wav --callsign F4|BAD", "callsign must"),
        ("sim {sample} o.wav --profile plain --callsign N0CALL", "callsign must be empty"),
        ("sim {sample} o.wav --picture o.xyz", "must end with .png"),
        ("sim {sample} o.wav --picture no/o.png", "its folder does not exist"),
        ("sim {sample} o.wav --json no/o.json", "its folder does not exist"),
        ("encode --raw empty.raw o.vl", "empty.raw holds no samples"),
        ("encode --raw empty.raw -", "empty.raw holds no samples"),
        ("decode --raw bare.vl o.raw", "no whole superframe"),
        ("sim {sample} - --json -", "--json must name a file"),
        ("sim {sample} o.wav --channel gilbert-elliott:loss=1,burst=1e17", "burst must be"),
        ("sim {sample} no/o.wav", "its folder does not exist"),
        ("models show neural", "did you mean neural-800"),
        ("eval none", "none"),
        ("send {sample} --to nowhere", "nowhere"),
        ("send {sample} --to tcp://0.0.0.0:5555", "on the command line --allow-remote"),
        ("send {sample} --pattern pubpull", "did you mean"),
        ("send {sample} --keys none.key_secret", "none.key_secret"),
        ("send none.wav", "none.wav: No such file"),
        ("receive o.xyz", "must end with .wav"),
        ("receive o.raw", "must end with .wav"),
        ("receive o.wav --raw", "--raw writes samples without a header: name it .raw"),
        ("receive o.wav --idle 0", "--idle must be"),
        ("receive o.wav --json no/counts.json", "cannot write no/counts.json"),
        ("receive o.wav --profile bare", "profile must be one of"),
    ],
)  # fmt: skip
def test_bad_input_gets_one_line_and_leaves_nothing(
    line: str, said: str, refused, sample_path: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty.wav").write_bytes(b"")
    Path("empty.raw").write_bytes(b"")
    Path("words.txt").write_text("These are words.")
    soundfile.write("nan.wav", np.array([0, np.nan, np.inf]), 8000, subtype="FLOAT")
    Path("newer.vl").write_bytes(bytes.fromhex("564c4e4b07010000") + bytes(64))
    Path("stranger.vl").write_bytes(bytes.fromhex("564c4e4b010e0000") + bytes(64))
    Path("bare.vl").write_bytes(bytes.fromhex("564c4e4b01010000"))
    Path("short.vl").write_bytes(bytes.fromhex("564c4e4b01010000") + bytes(31))
    Path("raw.c2").write_bytes(b"\xff" * 40)
    Path("raw.bits").write_bytes(b"\xff\xff\xff\xf0" * 10)
    Path("folder").mkdir()
    Path("broken.yaml").write_text("- loss: {probability: [\n")
    Path("unknown.yaml").write_text("- gilbert-elliott: {loss: 0.1, bursts: 2}\n")
    before = sorted(p.name for p in tmp_path.iterdir())
    message = refused(*shlex.split(line.format(sample=shlex.quote(str(sample_path)))))
    assert said in message, message
    after = sorted(p.name for p in tmp_path.iterdir())
    assert after == before


@pytest.mark.parametrize(
    "line",
    [
        "encode link o.vl --voice o.vl",
        "encode o.vl o.vl",
        "decode o.vl link.wav",
        "sim link.wav o.wav",
        "sim o.wav p.wav --json o.wav",
        "modulate o.wav link.wav",
        "modulate o.cf32 o.cf32",
        "demodulate o.wav link.wav",
        "demodulate o.wav p.wav --json o.wav",
        "field replay o.sigmf-meta --log o.sigmf-data",
        "field report o.jsonl -o o.jsonl",
        "models voice o.vl o.vl",
        "eval o.wav --json link.wav",
        "eval . --csv o.wav",
        "eval o.wav --noise link.wav --snr 3 --markdown o.wav",
        "sim o.wav p.wav --channel trace:file=t.csv --json t.csv",
        "sim o.wav p.wav --yaml c.yaml --json c.yaml",
        "sweep w.yaml -o d --report w.yaml",
        "sweep w.yaml -o d --report link.wav",
        "sweep w.yaml -o d --report t.csv",
    ],
)
def test_no_input_is_written_over(
    line: str, sample_path: Path, refused, tmp_path: Path, monkeypatch
) -> None:
    """By whatever name: link.wav is o.wav, and so is o.vl."""
    monkeypatch.chdir(tmp_path)
    content = sample_path.read_bytes()
    Path("o.wav").write_bytes(content)
    for name in ("o.vl", "link", "link.wav", "o.cf32", "o.jsonl"):
        Path(name).symlink_to("o.wav")
    with signal_writer("o.sigmf-meta", 8000, False) as write:
        write(np.zeros(100, np.complex64))
    Path("t.csv").write_text("time,delay\n0,lost\n")
    Path("c.yaml").write_text("channel: [loss:probability=0]\n")
    Path("w.yaml").write_text("channel: [trace:file=t.csv]\nspeech: o.wav\n")
    before = {path.name: path.read_bytes() for path in Path().iterdir()}
    assert "it is the input" in refused(*line.split())
    assert {path.name: path.read_bytes() for path in Path().iterdir()} == before


@pytest.mark.parametrize(
    "line",
    [
        "sim {sample} o.wav --json o.wav",
        "sim {sample} o.wav --json ./link.wav",
        "sim {sample} o.wav --picture o.png --json o.png",
        "demodulate {sample} o.wav --json o.wav",
        "receive o.wav --json link.wav",
        "eval {sample} --csv o.csv --markdown o.csv",
        "sweep burst-loss -o d --report o.svg --picture ./o.svg",
        "sweep burst-loss -o d --report d/results.csv",
    ],
)
def test_no_output_is_written_over_by_another(
    line: str, sample_path: Path, refused, tmp_path: Path, monkeypatch
) -> None:
    """By whatever name, also where none of them is there yet: link.wav is o.wav."""
    monkeypatch.chdir(tmp_path)
    Path("d").mkdir()
    Path("link.wav").symlink_to("o.wav")
    assert "goes there too; name another file" in refused(*line.format(sample=sample_path).split())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d", "link.wav"]
    assert not list(Path("d").iterdir())


@pytest.mark.parametrize(
    "line",
    ["receive", "receive --raw", "encode {sample} -", "sim {sample} -", "decode none.vl -",
     "decode --raw none.vl -", "modulate {sample} - --format cf32", "models voice {sample} -"],
)  # fmt: skip
def test_sound_and_bits_do_not_go_to_a_terminal(
    line: str, sample_path: Path, refused, monkeypatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    said = refused(*line.format(sample=sample_path).split())
    assert said.startswith("voicelink: standard output is a terminal")


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(content=st.binary(max_size=300), magic=st.booleans())
def test_any_bytes_decode_or_are_refused(content: bytes, magic: bool, voicelink, tmp_path) -> None:
    path, out = tmp_path / "f.vl", tmp_path / "f.wav"
    out.unlink(missing_ok=True)
    path.write_bytes((bytes.fromhex("564c4e4b01010000") if magic else b"") + content)
    status, _, err = voicelink("decode", path, out)
    assert status in (0, 2)
    assert out.exists() == (status == 0)
    assert "Traceback" not in err


@pytest.mark.skipif(not (shutil.which("c2enc") and find_library("codec2")), reason="no Codec 2")
@pytest.mark.parametrize("suffix", [".c2", ".bits"])
def test_streams_of_codec2_are_decoded(
    suffix: str, sample_path: Path, tmp_path: Path, voicelink
) -> None:
    speech = read_audio(sample_path)[:40_000]
    (tmp_path / "s.raw").write_bytes(np.round(speech * 32767).astype("<i2").tobytes())
    stream, heard = tmp_path / f"s{suffix}", tmp_path / "heard.wav"
    subprocess.run(["c2enc", "700C", tmp_path / "s.raw", stream], check=True, capture_output=True)
    model = () if suffix == ".c2" else ("--model", "codec2-700c-neural")
    assert voicelink("decode", stream, heard, *model)[0] == 0
    audio = read_audio(heard)
    assert np.corrcoef(loudness(speech), loudness(audio))[0, 1] > 0.8


@pytest.mark.skipif(not (shutil.which("c2enc") and find_library("codec2")), reason="no Codec 2")
@pytest.mark.parametrize("raw", [False, True])
def test_a_c2_file_is_that_of_c2enc(
    raw: bool, sample_path: Path, tmp_path: Path, voicelink
) -> None:
    """With the model of Codec 2, for which c2dec is the other end; more silence follows."""
    samples = np.round(read_audio(sample_path) * 32768).astype("<i2")
    (tmp_path / "s.raw").write_bytes(samples.tobytes())
    theirs, ours = tmp_path / "theirs.c2", tmp_path / "ours.c2"
    subprocess.run(["c2enc", "700C", tmp_path / "s.raw", theirs], check=True, capture_output=True)
    source = ("--raw", tmp_path / "s.raw") if raw else (sample_path,)
    status, _, err = voicelink("encode", *source, ours, "--model", "codec2-700c-neural")
    written, wanted = ours.read_bytes(), theirs.read_bytes()
    assert status == 0 and ("--raw" in source or err == f"{len(written)} bytes to {ours}\n")
    assert written.startswith(wanted) and 0 < len(written) - len(wanted) <= 2 * 32
    assert voicelink("decode", ours, tmp_path / "heard.wav")[0] == 0
    done = subprocess.run(["c2dec", "700C", ours, "-"], check=True, capture_output=True)
    assert len(done.stdout) == 2 * 320 * (len(written) - 7) // 4


@pytest.mark.skipif(not find_library("codec2"), reason="no Codec 2")
@pytest.mark.parametrize("frames", [7, 8, 16])
@pytest.mark.parametrize("begin", ["c0dec201000800", ""])
def test_a_stream_of_codec2_is_heard_to_its_end(
    frames: int, begin: str, tmp_path: Path, voicelink
) -> None:
    """The decoder lags, and is given one more superframe to say the end of the last one."""
    stream = tmp_path / "s.c2"
    stream.write_bytes(bytes.fromhex(begin) + bytes(frames * 4))
    decode = ("decode", "--model", "codec2-700c-neural", stream)
    assert voicelink(*decode, tmp_path / "heard.wav")[0] == 0
    assert len(read_audio(tmp_path / "heard.wav")) == frames * 320
    assert voicelink(*decode, "--raw", tmp_path / "heard.raw")[0] == 0
    assert (tmp_path / "heard.raw").stat().st_size == 2 * frames * 320


@pytest.mark.skipif(not find_library("codec2"), reason="no Codec 2")
@pytest.mark.parametrize("raw", [[], ["--raw"]])
def test_a_stream_of_codec2_without_a_frame_is_refused(raw: list, tmp_path: Path, refused) -> None:
    stream = tmp_path / "s.c2"
    stream.write_bytes(bytes.fromhex("c0dec201000800") + bytes(3))
    out = tmp_path / ("heard.raw" if raw else "heard.wav")
    assert "s.c2 holds no whole frame of 4 bytes" in refused("decode", *raw, stream, out)
    assert not out.exists()


@pytest.mark.skipif(not find_library("codec2"), reason="no Codec 2")
def test_a_stream_of_codec2_is_as_long_as_its_frames(tmp_path: Path, voicelink) -> None:
    """Nine frames and half of one are more than a superframe, and less than two."""
    stream, heard = tmp_path / "s.c2", tmp_path / "heard.wav"
    stream.write_bytes(bytes.fromhex("c0dec201000800") + bytes(9 * 4 + 2))
    status, _, err = voicelink("decode", stream, heard)
    assert (status, len(read_audio(heard))) == (0, 9 * 320)
    assert "its last 2 bytes are no whole frame" in err
    assert voicelink("decode", "--raw", stream, tmp_path / "heard.raw")[0] == 0
    assert (tmp_path / "heard.raw").stat().st_size == 2 * 9 * 320


def test_a_stream_is_not_decoded_by_another_model(
    sample_path: Path, tmp_path: Path, refused
) -> None:
    (tmp_path / "s.c2").write_bytes(bytes.fromhex("c0dec201000800") + bytes(32))
    (tmp_path / "s.vl").write_bytes(bytes.fromhex("564c4e4b01050000") + bytes(28))
    for name in ("s.c2", "s.vl"):
        message = refused("decode", tmp_path / name, tmp_path / "x.wav", "--model", "neural-800")
        assert "neural-800" in message and not (tmp_path / "x.wav").exists()


def loudness(audio: np.ndarray) -> np.ndarray:
    return np.log(np.mean(audio[:38_400].reshape(-1, 320) ** 2, axis=1) + 1e-5)


def test_too_little_speech_for_a_voice_is_coded_without(tmp_path: Path, voicelink) -> None:
    quiet, coded = tmp_path / "quiet.wav", tmp_path / "quiet.vl"
    soundfile.write(quiet, np.zeros(4000), 8000)
    status, _, err = voicelink("encode", quiet, coded, "--model", "voice-profile")
    assert status == 0 and "stays in the neutral voice" in err
    assert coded.read_bytes()[4:8] == bytes([1, 4, 0, 0])
    assert voicelink("models", "voice", quiet, tmp_path / "v")[0] == 2
    assert not (tmp_path / "v").exists()
