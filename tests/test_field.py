"""The field-test kit: recordings that stay whole, replays that give the same, logs, the report."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import shlex
import signal as signals_of_the_system
import subprocess
import sys
import threading
import time
import types
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from signals import FRAMES, heard, over, with_noise

from voicelink.blocks.audio import write_audio
from voicelink.link_sim.field.feed import Feed, Gap
from voicelink.link_sim.field.listener import SignalListener
from voicelink.link_sim.field.log import FrameLog, read_log
from voicelink.link_sim.field.recorder import LineFile, Recorder
from voicelink.link_sim.field.recording import read_recording
from voicelink.link_sim.field.report import write_field_report
from voicelink.link_sim.field.samples import SampleFormat
from voicelink.link_sim.field.soapy import SoapySource
from voicelink.link_sim.field.sources import SamplesLost, SourceLost
from voicelink.link_sim.field.summary import bit_error_rate, bit_error_rows, by_snr, stations
from voicelink.link_sim.field.testframes import payload
from voicelink.link_sim.field.writer import RecordingWriter
from voicelink.models.errors import FormatError, ParameterError, VoiceLinkError

sigmf = pytest.importorskip("sigmf")

CF32 = SampleFormat.of("cf32_le")
CU8 = SampleFormat.of("cu8")


class Script:
    """A source that does what a list says: samples, errors, and then the end."""

    frequency, hardware, live = 7.0e6, "a script", True

    def __init__(self, steps: list, form: SampleFormat = CF32, rate: float = 8000.0) -> None:
        self.format, self.rate = form, rate
        self.opened = 0
        self._steps = iter(steps)

    def open(self) -> None:
        self.opened += 1

    def read(self) -> bytes | None:
        step = next(self._steps, None)
        if isinstance(step, Exception):
            raise step
        return step if step is None or isinstance(step, bytes) else self.format.encode(step)

    def close(self) -> None:
        pass


def record(
    folder: Path, source, stop=lambda: False, seconds=None, **settings
) -> tuple[list[str], RecordingWriter]:
    """Record a source to ``folder``/live: what was said, and the recording."""
    said: list[str] = []
    with (
        Feed(source, again=0.001) as feed,
        RecordingWriter(
            folder / "live", source.format, source.rate, {"mode": "bpsk"}, said.append,
            frequency=source.frequency, **settings,
        ) as writer,
    ):  # fmt: skip
        lines = LineFile(folder / "live.jsonl", said.append)
        listener = SignalListener(source.rate, speech=False)
        log = FrameLog(lines.write, source.rate, {"mode": "bpsk"})
        Recorder(writer, listener, log, said.append).run(feed, seconds, stop)
        lines.close()
    return said, writer


def test_a_replay_gives_the_frames_that_were_heard_live(tmp_path: Path, voicelink) -> None:
    """Noise in which some fail, eight bits a sample, pieces of any length, and a gap."""
    rate = 48_000
    noisy = np.repeat(with_noise(np.concatenate([over(), over()]), -3.3, seed=4), 6)
    cuts = np.sort(np.random.default_rng(1).integers(0, len(noisy), 30))
    steps: list = np.split(noisy, cuts)
    steps.insert(17, SourceLost("the cable was pulled"))
    said, writer = record(tmp_path, Script(steps, CU8, rate))

    status, _, err = voicelink("field", "replay", writer.meta, "--log", tmp_path / "again.jsonl")
    assert status == 0 and "the same" in err
    live, again = (read_log(tmp_path / name) for name in ("live.jsonl", "again.jsonl"))
    assert len(live.frames) >= 2 * FRAMES - 4
    for frame in live.frames + again.frames:
        del frame["latency_s"]  # it took as long as it took
    assert again.frames == live.frames
    assert {"corrected", "soft"} <= {frame["status"] for frame in live.frames}

    # The recording: as it came in, with the gap as another capture, and every frame noted.
    found = read_recording(writer.meta)
    assert found.data.read_bytes() == CU8.encode(noisy)
    gap = sum(map(len, steps[:17]))
    assert [capture.start for capture in found.captures] == [0, gap]
    assert all(capture.time and capture.frequency == 7.0e6 for capture in found.captures)
    noted = [entry["voicelink:status"] for entry in found.annotations]
    assert noted == [frame["status"] for frame in live.frames]
    sigmf.fromfile(str(writer.meta)).validate()
    assert "the cable was pulled" in said
    assert [event["event"] for event in live.events] == ["gap", "again"]


def test_a_replay_says_where_it_differs(tmp_path: Path, voicelink) -> None:
    _, writer = record(tmp_path, Script([over()]))
    text = writer.meta.read_text()
    assert text.count('"voicelink:sequence": 3,') == 1
    writer.meta.write_text(text.replace('"voicelink:sequence": 3,', '"voicelink:sequence": 4,'))
    _, _, err = voicelink("field", "replay", writer.meta, tmp_path / "heard.wav", "--realtime")
    assert "8 of 9 frames as were noted in the recording, and 1 others" in err
    assert (tmp_path / "heard.wav").stat().st_size > 8 * 2560 * 2


def test_a_recording_that_is_one_file_of_several_is_replayed_too(tmp_path: Path, voicelink) -> None:
    """core:offset: all that is counted, annotations too, counts from the first file's beginning."""
    _, writer = record(tmp_path, Script([over(), SourceLost("gone"), over()]))
    plain, offset = read_recording(writer.meta), 1_000_000
    found = json.loads(writer.meta.read_text())
    found["global"]["core:offset"] = offset
    for entry in found["captures"] + found["annotations"]:
        entry["core:sample_start"] += offset
    writer.meta.write_text(json.dumps(found))
    assert read_recording(writer.meta) == plain
    status, _, err = voicelink("field", "replay", writer.meta)
    assert status == 0 and f"the same {2 * FRAMES} frames" in err


@pytest.mark.parametrize("kind", ["captures", "annotations"])
def test_what_lies_before_the_first_sample_is_refused(kind: str, tmp_path: Path, refused) -> None:
    _, writer = record(tmp_path, Script([over()]))
    found = json.loads(writer.meta.read_text())
    found["global"]["core:offset"] = 1000
    for entry in found["captures"] + found["annotations"]:
        entry["core:sample_start"] += 1000
    found[kind][0]["core:sample_start"] = 999
    writer.meta.write_text(json.dumps(found))
    said = refused("field", "replay", writer.meta)
    assert "core:sample_start must not be less than core:offset, 1000, and is 999" in said


def test_samples_that_were_lost_make_a_gap_and_no_more() -> None:
    signal = over()
    source = Script([signal[:5000], SamplesLost("too slow"), b"", signal[6000:]])
    with Feed(source) as feed:
        items = list(iter(lambda: feed.get(5), None))
    assert [type(item).__name__ for item in items] == ["Piece", "Gap", "Piece"]
    assert items[1].reason == "too slow" and source.opened == 1
    assert items[0].time <= items[1].time <= items[2].time


def test_a_driver_that_fails_in_its_own_way_is_opened_again() -> None:
    source = Script([b"\0" * 8, ZeroDivisionError(), b"\1" * 8])
    with Feed(source, again=0.001) as feed:
        items = list(iter(lambda: feed.get(5), None))
    assert [type(item).__name__ for item in items] == ["Piece", "Gap", "Piece"]
    assert items[1].reason == "ZeroDivisionError" and source.opened == 2


class Ahead(Script):
    """A script that a slow listener is behind of: a stop is told when all of it has come."""

    def __init__(self, steps: list) -> None:
        super().__init__([*steps, b""])
        self._left = len(steps) + 1
        self.came = threading.Event()

    def read(self) -> bytes | None:
        self._left -= 1
        if self._left < 0:
            self.came.set()
            time.sleep(0.01)
            return b""  # it goes on, and has nothing more
        return super().read()

    def stop(self) -> bool:
        assert self.came.wait(60)
        return True


def test_what_came_until_a_stop_is_recorded_and_heard(tmp_path: Path, monkeypatch) -> None:
    """Though the listener was behind, by all of it; a gap is where it was."""
    monkeypatch.setattr("voicelink.link_sim.field.recorder.LISTEN_SECONDS", 600.0)
    signal = over()
    pieces = np.array_split(signal, 20)
    source = Ahead([*pieces[:7], SamplesLost("too slow"), *pieces[7:]])
    said, writer = record(tmp_path, source, source.stop)
    assert writer.data.read_bytes() == CF32.encode(signal)
    starts = [capture.start for capture in read_recording(writer.meta).captures]
    assert starts == [0, sum(map(len, pieces[:7]))]
    log = read_log(tmp_path / "live.jsonl")
    assert [event["event"] for event in log.events] == ["gap", "again"]
    assert len(log.frames) >= FRAMES - 2 and log.frames[-1]["end"]
    assert len(read_recording(writer.meta).annotations) == len(log.frames)
    assert not any("not listened to" in line for line in said)


def test_a_stop_waits_for_no_slow_listener(tmp_path: Path, monkeypatch, voicelink) -> None:
    """All is recorded at once; what was not listened to is said, and a replay has it."""
    monkeypatch.setattr("voicelink.link_sim.field.recorder.LISTEN_SECONDS", -1.0)
    signal = over()
    source = Ahead(np.array_split(signal, 20))
    said, writer = record(tmp_path, source, source.stop)
    assert writer.data.read_bytes() == CF32.encode(signal)
    assert f"the last {len(signal) / 8000:.1f} s are recorded, but were not listened to" in said[-1]
    assert read_log(tmp_path / "live.jsonl").frames == []
    _, _, err = voicelink("field", "replay", writer.meta)
    assert err == f"voicelink: {FRAMES} clean; N0CALL\n"


def test_what_was_lost_is_said_though_it_was_not_listened_to(tmp_path: Path, monkeypatch) -> None:
    """Where the computer is too slow it is behind, and just then this must not be hidden."""
    monkeypatch.setattr("voicelink.link_sim.field.recorder.LISTEN_SECONDS", -1.0)
    pieces = np.array_split(over(), 20)
    source = Ahead([*pieces[:7], SamplesLost("too slow"), *pieces[7:], SamplesLost("again")])
    said, writer = record(tmp_path, source, source.stop)
    assert [line for line in said if line in ("too slow", "again")] == ["too slow", "again"]
    assert sum("samples come again" in line for line in said) == 1
    events = read_log(tmp_path / "live.jsonl").events
    assert [event["event"] for event in events] == ["gap", "again", "gap"]
    starts = [capture.start for capture in read_recording(writer.meta).captures]
    assert starts == [0, sum(map(len, pieces[:7]))]


def test_a_stop_waits_once_for_a_read_that_hangs(monkeypatch) -> None:
    waits: list[float] = []
    with Feed(Script([])) as feed:
        monkeypatch.setattr(feed._thread, "join", waits.append)
        assert feed.stop() == feed.stop() == []
    assert len(waits) == 1


def test_a_stop_adds_nothing_to_the_seconds_that_were_asked_for(tmp_path: Path) -> None:
    source = Ahead([np.zeros(1000)] * 5)
    _, writer = record(tmp_path, source, source.stop, seconds=3000 / 8000)
    assert writer.data.stat().st_size == 3000 * CF32.bytes


def test_what_was_lost_before_the_end_is_said_too(monkeypatch) -> None:
    monkeypatch.setattr("voicelink.link_sim.field.feed.HELD_BYTES", 100)
    with Feed(Script([b"\0" * 160] * 3)) as feed:
        feed._thread.join(60)
        items = list(iter(lambda: feed.get(5), None))
    assert [type(item).__name__ for item in items] == ["Piece", "Gap"]
    assert items[1].reason.startswith("40 samples were lost")


def test_a_source_that_cannot_be_had_ends_it_at_the_start() -> None:
    class Absent(Script):
        def open(self) -> None:
            raise SourceLost("no such device")

    with pytest.raises(VoiceLinkError, match="no such device"):
        Feed(Absent([]))


def test_a_device_that_comes_back_as_another_is_not_taken_for_it() -> None:
    class Changing(Script):
        def open(self) -> None:
            super().open()
            self.rate = {2: 16_000.0}.get(self.opened, 8000.0)

    source = Changing([b"\0" * 8, SourceLost("gone"), b"\1" * 8])
    with Feed(source, again=0.001) as feed:
        items = list(iter(lambda: feed.get(5), None))
    assert source.opened == 3 and items[2].data == b"\1" * 8


class FullDisk:
    """A file that takes so many bytes and no more."""

    def __init__(self, file, room: int) -> None:
        self._file, self._room = file, room
        self.fileno, self.close = file.fileno, file.close

    @property
    def closed(self) -> bool:
        return self._file.closed

    def write(self, data) -> int:
        if not self._room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = self._file.write(data[: self._room])
        self._room -= written
        return written

    tell = property(lambda self: self._file.tell)
    truncate = property(lambda self: self._file.truncate)


def fill_the_disk(monkeypatch, room: int) -> None:
    """So many bytes of samples are all that a recording can take."""

    def open_full(self, *args, **settings) -> None:
        plain(self, *args, **settings)
        self._file = FullDisk(self._file, room)

    plain = RecordingWriter.__init__
    monkeypatch.setattr(RecordingWriter, "__init__", open_full)


@pytest.mark.parametrize("metadata_fit", [True, False])
def test_a_full_disk_ends_the_recording_and_nothing_else(
    metadata_fit: bool, tmp_path: Path, voicelink, monkeypatch
) -> None:
    """What is on the disk is a valid recording of what was heard until then; the rest is heard."""
    room = 8 * 12_345 + 3
    written = RecordingWriter._write_metadata
    refused = []

    def write_metadata(writer: RecordingWriter) -> None:
        # On a disk that is really full there is no room for these either, until samples give way.
        if writer.failed and not metadata_fit and not refused:
            refused.append(writer)
            raise ParameterError("no space")
        written(writer)

    fill_the_disk(monkeypatch, room)
    monkeypatch.setattr(RecordingWriter, "_write_metadata", write_metadata)
    said, writer = record(tmp_path, Script(np.array_split(over(), 20)))
    assert sum("No space left on device" in line for line in said) == 1
    assert len(read_log(tmp_path / "live.jsonl").frames) == FRAMES
    size = writer.data.stat().st_size
    assert size == 8 * 12_345 if metadata_fit else 0 < size < room and size % 8 == 0
    signal = sigmf.fromfile(str(writer.meta))
    signal.validate()
    # Nothing is noted of what is not there.
    assert all(
        entry["core:sample_start"] + entry["core:sample_count"] <= size // 8
        for entry in signal.get_annotations()
    )
    lines = read_log(tmp_path / "live.jsonl").frames
    there = [line["sample"] + line["samples"] <= size // 8 for line in lines]
    # The frame that was being received is not noted yet: it was heard after the loss.
    assert sum(there) - 1 <= len(signal.get_annotations()) <= sum(there)
    status, _, err = voicelink("field", "replay", writer.meta)
    assert status == 0 and err


def test_what_a_full_disk_did_not_take_is_not_called_recorded(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("voicelink.link_sim.field.recorder.LISTEN_SECONDS", -1.0)
    fill_the_disk(monkeypatch, 8 * 12_345)
    signal = over()
    source = Ahead(np.array_split(signal, 20))
    said, _ = record(tmp_path, source, source.stop)
    assert "No space left on device" in said[0]
    assert said[1:] == [f"the last {len(signal) / 8000:.1f} s were not listened to"]


def test_a_full_disk_cuts_no_line_of_the_log(tmp_path: Path) -> None:
    said: list[str] = []
    lines = LineFile(tmp_path / "log", said.append)
    lines._file = FullDisk(lines._file, 25)
    for number in range(5):
        lines.write(f"line {number} of it")
    lines.close()
    assert (tmp_path / "log").read_text() == "line 0 of it\n"
    assert len(said) == 1 and "No space left on device" in said[0]


def test_a_recording_is_not_written_over(tmp_path: Path) -> None:
    record(tmp_path, Script([over()]))
    with pytest.raises(ParameterError, match="is there already"):
        RecordingWriter(tmp_path / "live.sigmf-data", CF32, 8000, {})


RECORD = [sys.executable, "-m", "voicelink.link_sim.cli", "field", "record"]


def recording_process(folder: Path) -> subprocess.Popen:
    """A program that records standard input, and has heard one over there."""
    process = subprocess.Popen(
        [*RECORD, "r", "--rate", "8000", "--heard", "heard.wav"], cwd=folder,
        stdin=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    process.stdin.write(CF32.encode(over()))
    process.stdin.flush()
    for line in process.stderr:
        if b"end of over" in line:
            return process
    raise AssertionError("the over was not heard")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_a_program_that_is_ended_leaves_a_valid_recording(name: str, tmp_path: Path) -> None:
    process = recording_process(tmp_path)
    process.send_signal(getattr(signals_of_the_system, name))
    # Its input stays open: nothing else ends it.
    process.wait(timeout=60)
    err = process.stderr.read()
    process.stderr.close()
    process.stdin.close()
    found = sigmf.fromfile(str(tmp_path / "r.sigmf-meta"))
    found.validate()
    assert len(found) > 25_000
    assert len(read_log(tmp_path / "r.jsonl").frames) == FRAMES
    if name != "SIGKILL":
        assert process.returncode == 0 and b" clean" in err
        assert len(found.get_annotations()) == FRAMES
        assert (tmp_path / "heard.wav").stat().st_size > 8 * 2560 * 2
    # Metadata that were being written when it ended are not left beside it.
    assert sum(path.name.endswith("sigmf-meta") for path in tmp_path.iterdir()) == 1


def test_record_takes_a_pipe_to_its_end(tmp_path: Path, voicelink, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    content = CF32.encode(over()) + b"\0\0\0"
    monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(buffer=io.BytesIO(content)))
    status, _, err = voicelink(
        "field", "record", "r", "--rate", 8000, "--position", "52.52,13.405", "--testframes",
        "--quiet", "--frequency", 7.1e6,
    )  # fmt: skip
    assert status == 0 and "9 test frames, bit errors 0" in err
    top = sigmf.fromfile("r.sigmf-meta").get_global_info()
    assert top["core:geolocation"]["coordinates"] == [13.405, 52.52]
    frame = read_log("r.jsonl").frames[0]
    assert frame["position"] == [52.52, 13.405] and frame["latency_s"] is not None


def test_samples_come_over_zeromq_too(tmp_path: Path) -> None:
    zmq = pytest.importorskip("zmq")
    from voicelink.link_sim.field.sources import ZmqSource

    with zmq.Context() as context, context.socket(zmq.PUSH) as sender:
        port = sender.bind_to_random_port("tcp://127.0.0.1")
        source = ZmqSource(f"tcp://127.0.0.1:{port}", CF32, 8000, pattern="pull")
        with Feed(source) as feed:
            sender.send(b"\1" * 7)
            sender.send(b"\1" * 16)
            items = []
            while len(items) < 2:
                items += [item for item in [feed.get(10)] if item is not None]
    assert isinstance(items[0], Gap) and "no whole samples" in items[0].reason
    assert items[1].data == b"\1" * 16


class FakeSoapy(types.ModuleType):
    """SoapySDR's Python module, with a device whose stream a test has written."""

    SOAPY_SDR_RX, SOAPY_SDR_TIMEOUT, SOAPY_SDR_STREAM_ERROR, SOAPY_SDR_OVERFLOW = 1, -1, -2, -4

    def __init__(self, steps: list, native: str = "CU8") -> None:
        super().__init__("SoapySDR", "")
        self.__spec__ = types.SimpleNamespace(name="SoapySDR")
        self.calls: list[tuple] = []
        self._steps, self._native = iter(steps), native
        self.present = True

    def errToStr(self, code: int) -> str:
        return f"error {code}"

    def Device(self, name: str):
        if not self.present or name != "driver=fake":
            raise RuntimeError("SoapySDR::Device::make() no match")
        return self

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *args: self.calls.append((name, *args))

    def getNativeStreamFormat(self, *_):
        return [self._native, 127.0]

    def getSampleRate(self, *_) -> float:
        return 250_000.0

    def setupStream(self, *args):
        self.calls.append(("setupStream", *args))
        return "stream"

    def readStream(self, stream, buffers, count, timeoutUs=0):
        step = next(self._steps, self.SOAPY_SDR_STREAM_ERROR)
        if isinstance(step, int):
            return types.SimpleNamespace(ret=step)
        buffers[0][: len(step)] = step
        return types.SimpleNamespace(ret=len(step) // 2)


def test_a_soapy_device_is_set_and_read(monkeypatch) -> None:
    samples = np.arange(200, dtype=np.uint8)
    soapy = FakeSoapy([-1, samples, -4, samples[:10], -2])
    monkeypatch.setitem(sys.modules, "SoapySDR", soapy)
    source = SoapySource("driver=fake", 250_000, 14.2e6, 31_250, gain=20, ppm=1.5)
    source.open()
    assert source.format.name == "cu8" and source.frequency == 14.2e6 - 31_250
    for call in (
        ("setFrequency", 1, 0, 14.2e6 - 31_250),
        ("setGain", 1, 0, 20),
        ("setFrequencyCorrection", 1, 0, 1.5),
        ("setupStream", 1, "CU8", [0]),
    ):
        assert call in soapy.calls
    assert source.read() == b""
    assert source.read() == samples.tobytes()
    with pytest.raises(SamplesLost, match="faster than they were read"):
        source.read()
    assert source.read() == samples[:10].tobytes()
    with pytest.raises(SourceLost, match="error -2"):
        source.read()
    source.close()
    assert ("closeStream", "stream") in soapy.calls
    soapy.present = False
    with pytest.raises(SourceLost, match="no match"):
        source.open()


def test_record_goes_on_when_a_device_comes_back(tmp_path: Path, voicelink, monkeypatch) -> None:
    """The device is pulled out within the first over, and is there again before the second."""
    monkeypatch.chdir(tmp_path)
    signal = np.frombuffer(CU8.encode(over(250_000, offset=31_250)), np.uint8)
    blocks = np.array_split(signal, 250)
    blocks = [block if len(block) % 2 == 0 else block[:-1] for block in blocks]
    soapy = FakeSoapy([*blocks[:120], -2, *blocks])
    monkeypatch.setitem(sys.modules, "SoapySDR", soapy)
    monkeypatch.setattr("voicelink.link_sim.field.feed.AGAIN_SECONDS", 0.01)
    seconds = (len(signal) + 2 * sum(map(len, blocks[:120]))) / 2 / 250_000 * 0.66
    status, _, err = voicelink(
        "field", "record", "r", "--from", "soapy:driver=fake", "--frequency", 14.2e6,
        "--seconds", seconds, "--quiet",
    )  # fmt: skip
    assert status == 0, err
    assert "error -2" in err and "samples come again" in err
    assert len(read_recording("r.sigmf-meta").captures) == 2
    assert "the same" in voicelink("field", "replay", "r.sigmf-meta")[2]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("record r", "--rate must give"),
        ("record r --rate 8000 --format x", "sample format"),
        ("record no/r --rate 8000", "its folder does not exist"),
        ("record r --rate 8000 --position here", "--position must be LAT,LON"),
        ("record r --rate 8000 --position 91,0", "latitude must be"),
        ("record r --rate 8000 --testframes --heard o.wav", "no speech"),
        ("record r --from soapy:driver=none", "python3-soapysdr"),
        ("record r --from nowhere --rate 8000", "nowhere"),
        ("record r --from sound --format cf32", "--format is not for sound"),
        ("record r --rate 8000 --log no/log", "cannot write no/log"),
        ("replay none", "none.sigmf-meta: No such file"),
        ("testframes o.xyz", "must end with one of"),
        ("testframes o.wav --seconds 0", "--seconds must be"),
        ("report none.jsonl", "none.jsonl: No such file"),
        ("report words.txt", "no log of frames"),
        ("report empty.jsonl", "no frame of speech"),
        ("report bad.jsonl", "bad.jsonl, line 2, is no frame"),
        ("report newer.jsonl", "is of version 9"),
        ("report binary.jsonl", "it is no text"),
    ],
)
def test_bad_input_gets_one_line(
    line: str, said: str, refused, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(buffer=io.BytesIO()))
    first = '{"log": "voicelink", "version": 1, "mode": "bpsk"}\n'
    Path("words.txt").write_text("words")
    Path("empty.jsonl").write_text(first)
    Path("bad.jsonl").write_text(first + '{"status": "splendid", "sample": 3}\n\n')
    Path("newer.jsonl").write_text(first.replace("1", "9"))
    Path("binary.jsonl").write_bytes(b"\xff\xfe\x00")
    if "soapy" in line:
        monkeypatch.setitem(sys.modules, "SoapySDR", None)
        line += " --frequency 7e6"
    assert said in refused("field", *line.split())
    assert not list(tmp_path.glob("*.sigmf-*"))


def test_test_frames_are_known_to_both_ends() -> None:
    assert payload(3) == payload(259) and len({payload(k) for k in range(256)}) == 256
    frames = heard(over(), testframes=True)
    for number, frame in enumerate(frames):
        assert (frame.errors.number, frame.errors.after) == (number, 0)
        assert frame.errors.before < 6
        assert frame.errors.coded == 592


@pytest.mark.parametrize("spread", [1, 2])
def test_bit_errors_are_counted_where_frames_fail(spread: int, tmp_path: Path) -> None:
    """In white noise as many coded bits are wrong as the SNR has it."""
    signal = np.concatenate([over(spread=spread)] * (4 - spread))
    log = FrameLog(None, 8000, {})
    esn0 = []
    for frame in heard(with_noise(signal, -3.4, seed=2), testframes=True, spread=spread):
        log.add(frame)
        if frame.errors and frame.errors.before is not None:
            esn0.append(frame.esn0_db)
    tests = log.bit_errors
    assert tests.frames >= 14 and log.failed > 0
    assert tests.before_rate > tests.after_rate
    expected = np.mean([bit_error_rate(value, 1) for value in esn0])
    assert 0.8 < tests.before_rate / expected < 1.3


def test_speech_is_not_taken_for_test_frames(sample, tmp_path: Path) -> None:
    from voicelink.blocks.transmitter import Transmitter
    from voicelink.link_sim.field.sending import SignalMaker

    transmitter = Transmitter("half")
    parts = SignalMaker(8000).over([transmitter.send(sample[:20_000]), transmitter.finish()])
    frames = heard(np.concatenate(list(parts)), testframes=True)
    assert len(frames) == 8 and all(frame.errors.number is None for frame in frames)


def test_overs_are_told_apart() -> None:
    """An over's end may be lost, its beginning too, and all of it may be cut off."""
    signal = over()
    burst = 2560
    cut = np.concatenate([signal[: 5 * burst + 2400], np.zeros(3 * 8000, np.complex64)])
    pause = np.zeros(3 * 8000, np.complex64)
    late = np.concatenate([pause, signal[3 * burst + 2400 :], pause])
    frames = heard(np.concatenate([cut, signal, late, signal]))
    overs = [[f.sequence for f in frames if f.over == n and f.found] for n in (1, 2, 3, 4)]
    assert overs[0] == [0, 1, 2, 3, 4] and overs[1] == overs[3] == list(range(FRAMES))
    assert overs[2] == list(range(3, FRAMES)) and {f.over for f in frames} == {1, 2, 3, 4}


def test_who_answers_at_once_is_another_over() -> None:
    """Also where the end of the over before was not heard."""
    signal = over()
    burst = 2560
    for pause in (100, 1280, 2400, 7777):
        cut = signal[: 6 * burst + 2440]
        answer = np.concatenate([np.zeros(pause, np.complex64), signal[2400:]])
        frames = [frame for frame in heard(np.concatenate([cut, answer])) if frame.found]
        assert [frame.sequence for frame in frames if frame.over == 1][:6] == list(range(6))
        last = [frame.sequence for frame in frames if frame.over == 2]
        # One burst may be given for the lock that leads elsewhere.
        assert last == list(range(last[0], FRAMES)) and last[0] <= 1, pause


def test_frames_that_were_not_found_are_accounted_for() -> None:
    signal = over()
    burst = 2560
    signal[2400 + 3 * burst : 2400 + 5 * burst] = 0
    frames = [frame for frame in heard(signal) if frame.heard]
    assert [frame.sequence for frame in frames] == list(range(FRAMES))
    assert [frame.status for frame in frames].count("concealed") == 2
    missed = frames[4]
    assert missed.failed and missed.snr_db is None and not missed.found
    assert abs(missed.start - frames[3].start - burst) <= 2


def log_of(path: Path, **settings) -> Path:
    """A log with fading and noise, made quickly: its lines are what a listener's would be."""
    random = np.random.default_rng(0)
    frames = []
    for k in range(400):
        snr = -2 + 3 * np.sin(k / 20) + random.normal() / 5
        status = ("concealed", "soft", "corrected", "clean")[int(np.digitize(snr, [-5, -4, 0]))]
        found = status != "concealed"
        time = f"2026-05-01T12:{k // 180:02}:{k // 3 % 60:02}.{k % 3 * 320:03}Z"
        place = {"time": time, "sample": 2560 * k, "samples": 2560, "over": k // 100}
        measured = {"snr_db": snr, "esn0_db": snr + 1.8, "offset_hz": 12 + k / 100}
        frames.append(
            place
            | {name: value if found else None for name, value in measured.items()}
            | {"status": status, "found": found, "sequence": k % 100, "end": k % 100 == 99}
            | {"callsign": "N0CALL" if k % 100 > 8 else None, "latency_s": 0.2}
        )
    lines = [{"log": "voicelink", "version": 1, "mode": "bpsk", "source": "air"} | settings]
    lines += [{"event": "gap", "time": "2026-05-01T12:01:00Z", "reason": "pulled <out>"}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines + frames))
    return path


def test_frames_are_counted_by_snr_and_callsign(tmp_path: Path) -> None:
    log = read_log(log_of(tmp_path / "a.jsonl"))
    (station,) = stations(
        [
            log,
        ]
    )
    # The first frames of an over are its station's too.
    assert station.callsign == "N0CALL" and len(station.frames) == 400
    failed = sum(frame["status"] in ("soft", "concealed") for frame in log.frames)
    assert station.failed == failed and station.fer.low < failed / 400 < station.fer.high
    bins, outside = by_snr(station.frames)
    assert sum(estimate.count for estimate in bins.values()) + outside == 400
    assert bins[-3].value == 0 and bins[-5].value == 1
    assert bit_error_rows([station]) == []


def test_a_log_that_was_cut_is_read_as_far_as_it_is_whole(tmp_path: Path) -> None:
    path = log_of(tmp_path / "a.jsonl")
    path.write_text(path.read_text()[:-40])
    log = read_log(path)
    assert len(log.frames) == 399 and "cut short" in log.notes[0]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.sampled_from(["soft", "2026-01-01T00:00:00Z", 10**400]),
    lambda inner: st.lists(inner, max_size=2)
    | st.dictionaries(st.sampled_from(["number", "before", "coded", "after"]), inner),
    max_leaves=5,
)  # fmt: skip


@given(
    changed=st.dictionaries(
        st.sampled_from(["time", "sample", "samples", "over", "sequence", "status", "found", "test",
                         "snr_db", "esn0_db", "offset_hz", "callsign", "text", "latency_s"]),
        VALUES,
    ),
    mode=VALUES,
)  # fmt: skip
@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_a_log_says_it_is_counted_or_refused(changed, mode, tmp_path: Path) -> None:
    path = tmp_path / "log"
    frame = {"status": "clean", "sample": 1, "samples": 2, "snr_db": 1.0, "esn0_db": 2.0} | changed
    first = {"log": "voicelink", "version": 1, "mode": mode, "spread": mode}
    path.write_text(json.dumps(first) + "\n" + json.dumps(frame) + "\n")
    try:
        log = read_log(path)
    except FormatError as error:
        assert "line 2" in str(error)
        return
    for station in stations([log]):
        by_snr(station.frames)
        bit_error_rows([station])
        assert len(station.times) <= 1 and 0 <= station.fer.low <= station.fer.high <= 1


def test_the_report_says_what_was_received(tmp_path: Path, voicelink) -> None:
    pytest.importorskip("jinja2")
    pytest.importorskip("matplotlib")
    logs = [log_of(tmp_path / "a.jsonl"), log_of(tmp_path / "b.jsonl", mode="<qpsk>")]
    curves = tmp_path / "curves.csv"
    curves.write_text(
        "mode,spread,path,snr_db,frames,errors\n"
        + "".join(f"bpsk,1,awgn,{snr},1000,{failed}\n" for snr, failed in ((-5, 900), (-3, 9)))
    )
    page = tmp_path / "page.html"
    status, out, err = voicelink(
        "field", "report", *logs, "-o", page, "--curves", curves, "--title", "Hill & valley"
    )
    assert status == 0
    assert "there is no simulated curve of the mode <qpsk>" in err
    text = page.read_text()
    assert out.startswith("N0CALL, a.jsonl:") and "of 400 frames failed at an SNR of" in out
    assert "Hill &amp; valley" in text and "&lt;qpsk&gt;" in text and "pulled &lt;out&gt;" in text
    assert text.count("<figure>") == 2 and "2026-05-01 12:00:00 to" in text
    # It needs nothing beside it.
    assert "http://" not in text.replace("http://www.w3.org", "") and "https://" not in text


@pytest.mark.parametrize(
    ("snrs", "caption", "without"),
    [
        ((38,), "No simulated curve of this mode has failing frames at these SNRs", "not shown"),
        ((38, 60), "Beyond 42 dB, which is not shown, none failed", "Grey"),
        ((5, 10), "Grey: simulated", "not shown"),
    ],
)
def test_the_curve_of_a_clean_recording_is_described_as_drawn(
    snrs: tuple[int, ...], caption: str, without: str, tmp_path: Path
) -> None:
    """Nothing failed: the axis ends soon, and only what is on it is spoken of."""
    pytest.importorskip("jinja2")
    pytest.importorskip("matplotlib")
    lines = [{"log": "voicelink", "version": 1, "mode": "bpsk", "source": "air"}]
    lines += [
        {"status": "clean", "sample": 2560 * k, "samples": 2560, "snr_db": snr, "esn0_db": snr}
        for snr in snrs
        for k in range(10)
    ]
    log, curves, page = (tmp_path / name for name in ("a.jsonl", "curves.csv", "page.html"))
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    curves.write_text(
        "mode,spread,path,snr_db,frames,errors\nbpsk,1,slow,4,100,90\nbpsk,1,slow,8,100,1\n"
        "bpsk,1,gone,-9,100,90\nbpsk,1,gone,-5,100,1\n"
    )
    write_field_report([log], page, "Clean", curves)
    text = page.read_text()
    assert caption in text.replace("\N{NO-BREAK SPACE}", " ") and without not in text
    assert ("slow" in text) == ("Grey" in caption) and "gone" not in text


def test_curves_that_are_none_are_refused(tmp_path: Path, refused) -> None:
    log = log_of(tmp_path / "a.jsonl")
    curves = tmp_path / "curves.csv"
    first = "mode,spread,path,snr_db,frames,errors\n"
    lines = {"bpsk,1,awgn,0,10,11\n": "line 2", "bpsk,1,awgn,x\n": "line 2"}
    wrong = {"a,b\n1,2\n": "must have the columns"} | {first + k: v for k, v in lines.items()}
    for text, said in wrong.items():
        curves.write_text(text)
        assert said in refused(
            "field", "report", log, "-o", tmp_path / "o.html", "--curves", curves
        )


def test_the_curves_that_come_with_it_are_read() -> None:
    from voicelink.link_sim.field.simulated import read_curves

    for curve in read_curves():
        assert curve.mode and all(0 <= fer <= 1 for _, fer in curve.points)


PROJECT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", ["README.md", "link_sim/FIELD.md"])
def test_the_commands_of_the_text_run_in_their_order(
    name: str, sample: np.ndarray, tmp_path: Path, voicelink, monkeypatch
) -> None:
    """As they stand there, but that a pipe takes the place of receivers."""
    pytest.importorskip("jinja2")
    pytest.importorskip("matplotlib")
    lines = re.findall(
        r"^    (?:rtl_sdr .* \| )?voicelink ((?:(?:de)?modulate|field) .*?)(?:   #.*| # .*)?$",
        (PROJECT / name).read_text(), re.MULTILINE,
    )  # fmt: skip
    verbs = {"field replay", "field report", "field testframes", "field record"}
    assert verbs <= {" ".join(line.split()[:2]) for line in lines}
    monkeypatch.chdir(tmp_path)
    write_audio("speech.wav", sample[:40000])
    ran = []
    for line in lines:
        words = shlex.split(line)
        came = CF32.encode(over())
        if words[1] == "record":
            # Of these options each is of a device that is not here.
            words = [*words[:3], "--rate", "8000"]
        elif words[1] == "-":
            voicelink("modulate", "speech.wav", "air.cu8", *words[words.index("--rate") :])
            came = Path("air.cu8").read_bytes()
        monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(buffer=io.BytesIO(came)))
        status, _, err = voicelink(*words)
        assert status == 0, f"{line}: {err}"
        ran.append(words)
    made = {word for words in ran for word in words if word.endswith((".html", ".wav", ".jsonl"))}
    assert made and all(Path(word).stat().st_size > 1000 for word in made)


class FakeSound:
    """sounddevice's functions, with one card whose samples a test has written."""

    default = types.SimpleNamespace(device=(0, 0))

    def __init__(self, blocks: list[np.ndarray]) -> None:
        self._blocks = blocks
        self.asked: dict = {}

    def query_devices(self) -> list[dict]:
        names = {"max_input_channels": 2, "max_output_channels": 0, "default_samplerate": 48000.0}
        return [{"name": "USB Audio"} | names]

    def RawInputStream(self, callback, **asked):
        self.asked = asked
        status = types.SimpleNamespace(input_overflow=False)
        lost = types.SimpleNamespace(input_overflow=True)

        def start() -> None:
            for number, block in enumerate(self._blocks):
                callback(block.tobytes(), len(block), None, lost if number == 1 else status)

        return types.SimpleNamespace(start=start, close=lambda **_: None)


def test_a_sound_card_gives_passband_or_i_and_q() -> None:
    from voicelink.link_sim.field.sound import SoundSource

    block = np.arange(480, dtype="<i2")
    for iq, name in ((False, "ri16_le"), (True, "ci16_le")):
        sound = FakeSound([block, block + 1])
        source = SoundSource("usb", 48_000, iq, backend=sound)
        source.open()
        assert source.format.name == name and sound.asked["channels"] == 1 + iq
        assert source.read() == block.tobytes()
        with pytest.raises(SamplesLost):
            source.read()
        assert source.read() == (block + 1).tobytes()
        source.close()
    with pytest.raises(SourceLost, match="there is no input device 'none'; there are 0: USB"):
        SoundSource("none", 48_000, backend=FakeSound([])).open()


class FakeCard:
    """A loudspeaker that plays as fast as it is supplied, until it has enough."""

    running, underflows, waiting = False, 0, 0.0

    def __init__(self, enough: int) -> None:
        self.played = np.zeros(0, np.float32)
        self._enough = enough
        self.done = threading.Event()

    def write(self, audio: np.ndarray) -> None:
        self.played = np.concatenate([self.played, audio])
        if np.count_nonzero(self.played) >= self._enough:
            self.done.set()
            self.waiting = 1.0


def test_a_loudspeaker_plays_what_is_received(sample) -> None:
    from voicelink.blocks.transmitter import Transmitter
    from voicelink.link_sim.field.loudspeaker import Loudspeaker
    from voicelink.link_sim.field.sending import SignalMaker

    transmitter = Transmitter("half")
    maker = SignalMaker(8000)
    signal = np.concatenate(
        list(maker.over([transmitter.send(sample[:20480]), transmitter.finish()]))
    )
    card, said = FakeCard(2 * 2560), []
    with Loudspeaker(card, said.append) as speaker:
        listener = SignalListener(8000, speech=False, tap=speaker.put)
        frames = listener.push(signal) + listener.end()
        assert card.done.wait(60)
    assert len(frames) == 9 and said == []


def test_a_loudspeaker_that_fails_is_said_once_and_stops_nothing() -> None:
    from voicelink.link_sim.field.loudspeaker import Loudspeaker

    class Broken(FakeCard):
        def write(self, audio: np.ndarray) -> None:
            self.done.set()
            raise RuntimeError("no more")

    card, said = Broken(1), []
    with Loudspeaker(card, said.append) as speaker:
        assert card.done.wait(60)
    speaker.put(None)
    assert said == ["the loudspeaker is silent from here on: no more"]
