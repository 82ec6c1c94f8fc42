"""Training of a model that sends the voice apart: a tiny one learns, and is exported."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny import CARD, SIZES

torch = pytest.importorskip("torch", reason="needs the extra `training`")

from voicelink.models.codec import SpeechDecoder, coded  # noqa: E402
from voicelink.models.training.export import (  # noqa: E402
    AUDIO_ERROR,
    export,
    load_run,
    released_weights,
)
from voicelink.models.training.networks import Sizes  # noqa: E402
from voicelink.models.training.train import Run  # noqa: E402
from voicelink.models.training.voice import (  # noqa: E402
    Voice,
    VoiceCodec,
    rounded_levels,
)
from voicelink.models.voice import SAMPLES, VoiceNetwork, voice_of, voices_in  # noqa: E402

VOICED = SIZES | {
    "latents": 8, "voice": 6, "timbre": True, "voice_channels": 8, "voice_blocks": 1,
}  # fmt: skip
SUPERFRAMES = 12
"""Of a clip: ten that give the voice, and two to say."""

pytestmark = pytest.mark.filterwarnings("ignore")  # torch's own, of its exporter


def config() -> dict:
    stage = {"rate": 0.003, "final_rate": 0.003, "damage": 0.5, "adversarial": 0, "steps": 5}
    return {"seed": 1, "sizes": VOICED, "ema": 0.5, "stages": [stage]}


def test_a_voice_is_learned_along_and_exported(tmp_path: Path, sample: np.ndarray) -> None:
    run = Run(config(), "cpu")
    before = run.codec.voice.head.weight.detach().clone()
    clips = np.stack([sample[at : at + SUPERFRAMES * 2560] for at in (0, 9000)])
    pitch = np.full((len(clips), SUPERFRAMES * 32), 120, np.float32)
    for _ in range(2):
        losses = run.one_step(clips, clips, pitch)
        assert all(np.isfinite(value) for value in losses.values())
    assert not torch.equal(run.codec.voice.head.weight, before)

    run.save(tmp_path / "checkpoint.pt")
    codec, model = load_run(tmp_path / "checkpoint.pt"), tmp_path / "tiny"
    with torch.no_grad():  # latents that are not all at the threshold between two levels
        codec.encoder.head.weight.mul_(20)
    export(codec, model, CARD | {"engine": "profile"})
    speech = voices_in(sample)[0]
    with torch.inference_mode():
        wanted = rounded_levels(codec.voice(torch.from_numpy(speech)[None]))[0].numpy()
    np.testing.assert_array_equal(VoiceNetwork(model).levels(speech), wanted)
    voice = voice_of(sample, model)
    assert len(voice) == 3
    decoded, payloads, _ = coded(sample[:20000], model, voice)
    assert len(payloads) == 8 * 16 and np.isfinite(decoded).all()
    # The exported decoder speaks in the voice as the network does.
    decoder = SpeechDecoder(model)
    decoder.set_voice(voice)
    with torch.inference_mode():
        said = codec.decode(payloads, voice)
    error = decoder.decode(payloads) - np.clip(said, -1, 1)
    assert np.sqrt(np.mean(error**2) / np.mean(said**2)) < AUDIO_ERROR


def test_a_voice_has_nothing_of_the_level(sample: np.ndarray) -> None:
    torch.manual_seed(0)
    network = Voice(Sizes(**VOICED)).eval()
    speech = torch.from_numpy(sample[:SAMPLES])[None]
    with torch.inference_mode():
        assert torch.allclose(network(speech), network(speech / 20), atol=1e-4)


def test_it_starts_from_a_codec_with_more_latents() -> None:
    codec = VoiceCodec(Sizes(latents=8, voice=48))
    weights = codec.adapted(released_weights("neural-800"))
    missing, unexpected = codec.load_state_dict(weights, strict=False)
    assert unexpected == []
    assert all(name.startswith("voice.") or "fourier" in name for name in missing)
    again = codec.state_dict()
    assert codec.adapted(again) is again
