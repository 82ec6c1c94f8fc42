"""The decoder and receiver blocks in GNU Radio, judged by the audio that comes out."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from gnuradio_python import TIMEOUT_S, clean_environment
from graph import graph_python

from voicelink.models.codec import SpeechDecoder, SpeechEncoder
from voicelink.models.evaluation.align import delay
from voicelink.models.latents import llrs_of
from voicelink.models.sizes import PAYLOAD_BYTES, SUPERFRAME_SAMPLES

SCRIPT = Path(__file__).with_name("gnuradio_listen.py")
SUPERFRAMES = 12
LOST = 6
STATUSES = ["concealed" if number == LOST else "clean" for number in range(SUPERFRAMES)]


@pytest.fixture(scope="module")
def payloads(sample: np.ndarray) -> bytes:
    return SpeechEncoder().encode(sample[: SUPERFRAMES * SUPERFRAME_SAMPLES])


@pytest.fixture
def listen(tmp_path: Path):
    """Run the script: (what it reports, the audio, what it logs)."""

    def run(kind: str, content: bytes, *arguments: str) -> tuple[object, np.ndarray, str]:
        source, audio = tmp_path / "content", tmp_path / "audio.npy"
        source.write_bytes(content)
        done = subprocess.run(
            [graph_python(), SCRIPT, kind, *arguments, source, audio],
            env=clean_environment(),
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout), np.load(audio), done.stderr

    return run


def with_a_loss(payloads: bytes) -> np.ndarray:
    """The audio of the payloads when one of them is lost."""
    llrs = llrs_of(payloads)
    llrs[LOST] = 0
    return SpeechDecoder().decode_llrs(llrs)


@pytest.mark.parametrize("form", ["packed", "bits", "llrs"])
def test_streams_are_decoded_as_offline(form: str, payloads: bytes, listen) -> None:
    # What is short of a superframe at the end is left.
    report, audio, _ = listen("stream", payloads + payloads[:5], form)
    assert report == {"errors": 0}
    np.testing.assert_array_equal(audio, SpeechDecoder().decode(payloads))


def test_pdus_at_their_own_pace(payloads: bytes, listen) -> None:
    """Doubled, in another order, one lost, and rubbish between them; the graph ends by itself."""
    (report,), audio, log = listen("data", payloads)
    np.testing.assert_array_equal(audio, with_a_loss(payloads))
    assert [seen[1] for seen in report["seen"]] == STATUSES
    assert [seen[0] for seen in report["seen"]] == list(range(SUPERFRAMES))
    assert [seen[2] for seen in report["seen"]] == [False] * (SUPERFRAMES - 1) + [True]
    assert report["counts"]["malformed"] == report["errors"] == 7
    assert report["counts"]["duplicate"] == 1
    assert log.count("packet dropped") == 1


def test_pdus_on_the_clock_and_started_twice(payloads: bytes, listen) -> None:
    """The same in real time into a sound card; the second start is as the first."""
    reports, heard, _ = listen("clock", payloads)
    assert len(reports) == 2
    for report in reports:
        # 3 comes with 4, which is too late only where the machine holds up the first ones.
        assert [seen[1] for seen in report["seen"]] == STATUSES
        counts = report["counts"]
        assert (counts["clean"], counts["concealed"], counts["malformed"]) == (
            SUPERFRAMES - 1,
            1,
            7,
        )
        assert report["state"] == "idle"
    # The second over, with silence before and after.
    expected = with_a_loss(payloads)
    # Some samples may have been left out, to follow the card's clock.
    assert 0 < delay(expected, heard, len(heard)) < len(heard) - len(expected) + 80
    assert not heard[:80].any() and not heard[-20:].any()


def test_link_frames_to_speech_in_one_block(sample: np.ndarray, payloads: bytes, listen) -> None:
    speech = sample[: SUPERFRAMES * SUPERFRAME_SAMPLES]
    report, audio, _ = listen("rx", speech.tobytes())
    np.testing.assert_array_equal(audio, SpeechDecoder().decode(payloads))
    assert report["counts"]["clean"] == len(payloads) // PAYLOAD_BYTES
    assert report["callsign"] == "N0CALL"


ARGUMENTS = """
from voicelink.blocks.gnuradio import decoder, rx
from voicelink.models.errors import VoiceLinkError
for make in (
    lambda: decoder(input="pdus"),
    lambda: decoder(pace="fast"),
    lambda: decoder(buffer=-1),
    lambda: decoder(model="neural-80"),
    lambda: rx(profile="haf"),
    lambda: rx(input="bits"),
    lambda: rx(input="symbols"),
):
    try:
        make()
    except VoiceLinkError as error:
        print(error)
"""


def test_arguments_are_checked() -> None:
    done = subprocess.run(
        [graph_python(), "-c", ARGUMENTS],
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 7, done.stderr
    assert lines[0].startswith("input must be one of pdu, packed, bits, llrs, not 'pdus'")
    assert lines[1].startswith("pace must be one of clock, data, not 'fast'")
    assert lines[2] == "buffer must be a number from 0 to 15, not -1"
    assert "neural-80" in lines[3] and "haf" in lines[4]
    assert lines[6] == "profile must be named where symbols come in, not 'auto'"
