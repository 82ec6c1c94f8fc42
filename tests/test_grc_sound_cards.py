"""What flowgraphs say of sound cards, with a backend that writes to the console as ALSA's does."""

from __future__ import annotations

import os
import sys
import types

import pytest

from voicelink.grc.sound_cards import explain_sound_cards
from voicelink.models.errors import VoiceLinkError


@pytest.fixture
def audio(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """GNU Radio's module, with a card that is there and "none"; what is wrong is explained."""

    def make(sampling_rate: int, device_name: str = "", ok_to_block: bool = True) -> tuple:
        os.write(1, b"a greeting\n")
        if device_name == "none":
            os.write(2, b"audio_alsa_sink :error: [none]: No such device\n")
            raise RuntimeError("audio_alsa_sink")
        os.write(2, b"periods = 4\n")
        return sampling_rate, device_name, ok_to_block

    module = types.ModuleType("gnuradio.audio")
    module.sink = module.source = make
    monkeypatch.setitem(sys.modules, "gnuradio.audio", module)
    explain_sound_cards()
    return module


def test_a_card_is_opened_as_it_is_without_and_its_backend_is_heard(audio, capfd) -> None:
    """On standard error: standard output may be samples."""
    assert audio.sink(8000) == (8000, "", True)
    assert capfd.readouterr() == ("", "a greeting\nperiods = 4\n")
    assert audio.source(8000, device_name="usb") == (8000, "usb", True)
    assert audio.sink(sampling_rate=48000, ok_to_block=False) == (48000, "", False)
    with pytest.raises(TypeError):
        audio.sink(8000, rate=3)


@pytest.mark.parametrize("named", [True, False])
def test_a_card_that_is_not_there_is_told_in_one_line(named: bool, audio, capfd) -> None:
    said = (
        "the sound card 'none' cannot be opened for input at 8000 samples/s .*No such device.*:"
        " plug one in"
    )
    with pytest.raises(VoiceLinkError, match=said):
        if named:
            audio.source(sampling_rate=8000, device_name="none")
        else:
            audio.source(8000, "none", True)
    assert capfd.readouterr() == ("", "")
