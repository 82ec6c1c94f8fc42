"""A generator begins by hearing another codec's features as the latents that they tell of."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra `training`")

from voicelink.models.sizes import LATENTS  # noqa: E402
from voicelink.models.training.first_layer import first_layer  # noqa: E402
from voicelink.models.training.networks import Decoder, Sizes  # noqa: E402

SMALL = {
    "decoder_fine": 8, "decoder_fine_blocks": 1, "decoder_coarse": 12, "decoder_coarse_blocks": 1,
}  # fmt: skip
COUNT = 23


@pytest.fixture
def decoder() -> Decoder:
    torch.manual_seed(0)
    return Decoder(Sizes(**SMALL)).eval()


def named(decoder: Decoder) -> dict[str, torch.Tensor]:
    return {f"decoder.{name}": values for name, values in decoder.state_dict().items()}


def fitted(decoder: Decoder, noise: float) -> tuple[Decoder, np.ndarray, np.ndarray, float]:
    """A generator for features of which latents are a linear form, but for some noise."""
    rng = np.random.default_rng(1)
    values = rng.normal(0, 0.5, (4000, COUNT))
    latents = values @ rng.normal(0, 0.4, (COUNT, LATENTS)) + 0.3
    latents += noise * rng.normal(0, np.std(latents), latents.shape)
    weights, told = first_layer(named(decoder), values, latents)
    generator = Decoder(Sizes(**SMALL, latents=COUNT)).eval()
    generator.load_state_dict({k.removeprefix("decoder."): v for k, v in weights.items()})
    return generator, values, latents, told


def test_features_that_tell_all_are_heard_as_the_latents(decoder: Decoder) -> None:
    generator, values, latents, told = fitted(decoder, noise=0)
    assert told > 0.999
    with torch.inference_mode():
        said, wanted = (
            net.embed(torch.cat([x, torch.ones_like(x)], dim=1))
            for net, x in (
                (generator, torch.from_numpy(values[:64]).float()),
                (decoder, torch.from_numpy(latents[:64]).float()),
            )
        )
    assert torch.mean((said - wanted) ** 2) < 1e-3 * torch.var(wanted)


def test_what_features_do_not_tell_is_counted(decoder: Decoder) -> None:
    *_, told = fitted(decoder, noise=1)
    assert told == pytest.approx(0.5, abs=0.05)


def test_where_nothing_is_reliable_it_says_what_the_decoder_said(decoder: Decoder) -> None:
    """All reliabilities together do what all of the latents' did."""
    generator, *_ = fitted(decoder, noise=0)
    with torch.inference_mode():
        step = [
            net.embed(torch.tensor([[0.0] * n + [r] * n]))
            for net, n in ((generator, COUNT), (decoder, LATENTS))
            for r in (-1.0, 1.0)
        ]
    torch.testing.assert_close(step[1] - step[0], step[3] - step[2], atol=1e-5, rtol=1e-4)
