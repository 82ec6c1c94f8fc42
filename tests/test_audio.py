"""Audio files: everything that is speech comes in, everything else is named and refused."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from voicelink.blocks.audio import read_audio, write_audio
from voicelink.models.errors import FormatError, ParameterError
from voicelink.models.files import writing


def tone(rate: int, seconds: float = 0.5) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * 440 * np.arange(int(rate * seconds)) / rate)


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100, 48000])
# Not six channels of Ogg: Vorbis takes one of them for a subwoofer's.
@pytest.mark.parametrize(("ending", "channels"), [("wav", 1), ("wav", 6), ("flac", 2), ("ogg", 2)])
def test_any_rate_and_channel_count_is_converted_with_a_note(
    ending: str, channels: int, rate: int, tmp_path: Path
) -> None:
    path = tmp_path / f"in.{ending}"
    soundfile.write(path, np.repeat(tone(rate)[:, None], channels, axis=1), rate)
    notes: list[str] = []
    audio = read_audio(path, notes.append)
    assert audio.dtype == np.float32 and abs(len(audio) - 4000) <= 2
    wanted = tone(8000)[100 : len(audio) - 100]
    error = audio[100 : 100 + len(wanted)] - wanted
    assert np.sqrt(np.mean(error**2)) < 0.03
    assert len(notes) == (rate != 8000) + (channels > 1)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "ULAW"])
def test_the_usual_sample_formats_are_read(subtype: str, tmp_path: Path) -> None:
    path = tmp_path / "in.wav"
    soundfile.write(path, tone(8000), 8000, subtype=subtype)
    np.testing.assert_allclose(read_audio(path), tone(8000), atol=0.02)


def wav(samples: np.ndarray, rate: int = 8000, **options) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format="WAV", **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"These are words.", "is no audio file"),
        (bytes(range(256)) * 20, "is no audio file"),
        (wav(tone(8000))[:30], "is no audio file"),
        (wav(tone(8000))[:3000], "is cut short: 5044 bytes"),
        (wav(np.zeros(0)), "holds no samples"),
        (wav(tone(8000), rate=100), "sample rate of 100 Hz; it must be from 1000"),
        (wav(np.array([0, np.nan]), subtype="FLOAT"), "holds 1 samples that are NaN or infinite"),
        (wav(np.array([np.inf] * 3), subtype="FLOAT"), "holds 3 samples that are NaN or infinite"),
    ],
)
def test_what_is_no_recording_is_refused(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "in.wav"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=said) as error:
        read_audio(path)
    assert "\n" not in str(error.value)


def test_a_cut_flac_is_refused(tmp_path: Path) -> None:
    whole, path = tmp_path / "whole.flac", tmp_path / "cut.flac"
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 40000)
    soundfile.write(whole, noise, 8000)
    path.write_bytes(whole.read_bytes()[:20000])
    with pytest.raises(FormatError, match=r"cut\.flac"):
        read_audio(path)


def test_missing_files_and_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="No such file"):
        read_audio(tmp_path / "none.wav")
    with pytest.raises(FormatError, match="Is a directory"):
        read_audio(tmp_path)


def test_loud_samples_are_clipped_with_a_note(tmp_path: Path) -> None:
    path = tmp_path / "in.wav"
    path.write_bytes(wav(4 * tone(8000), subtype="FLOAT"))
    notes: list[str] = []
    assert np.abs(read_audio(path, notes.append)).max() == 1
    assert "beyond +-1 clipped" in notes[0]


def test_a_wav_written_to_a_pipe_is_read(tmp_path: Path) -> None:
    content = bytearray(wav(tone(8000)))
    at = content.index(b"data") + 4
    content[at : at + 4] = b"\xff\xff\xff\xff"
    content[4:8] = b"\xff\xff\xff\xff"
    path = tmp_path / "in.wav"
    path.write_bytes(content)
    np.testing.assert_allclose(read_audio(path), tone(8000), atol=1e-4)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_damaged_files_are_read_or_refused(data, tmp_path_factory) -> None:
    content = bytearray(wav(tone(8000, 0.05)))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, 60))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damaged") / "in.wav"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        audio = read_audio(path)
    except FormatError:
        return
    assert np.isfinite(audio).all() and np.abs(audio).max() <= 1


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    for ending in ("wav", "flac"):
        write_audio(tmp_path / f"out.{ending}", tone(8000))
        np.testing.assert_allclose(read_audio(tmp_path / f"out.{ending}"), tone(8000), atol=1e-4)


@pytest.mark.parametrize(
    ("name", "said"),
    [("out.xyz", "must end with .wav"), ("out", "must end with"), ("no/out.wav", "does not exist")],
)
def test_names_that_cannot_be_written_are_refused(name: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=said):
        write_audio(tmp_path / name, tone(8000))
    assert not list(tmp_path.iterdir())


def test_a_failure_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    path.write_text("before")
    with pytest.raises(RuntimeError), writing(path) as part:
        part.write_text("half")
        raise RuntimeError
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]
