"""``voicelink demo``: the main job on the bundled sample, with something to hear and to look at."""

from __future__ import annotations

import argparse

HELP = "the bundled sample over a lossy channel: a WAV, a picture and the numbers"

SCENARIO = "rough"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", nargs="?", default="demo", help="where the results go")
    parser.add_argument("--seed", type=int, default=1, help="of the channel (default 1)")


def run(args: argparse.Namespace) -> int:
    from pathlib import Path

    from voicelink.blocks.audio import read_audio, write_audio
    from voicelink.link_sim.channels import ChannelChain, channels_from, scenario
    from voicelink.link_sim.picture import draw
    from voicelink.link_sim.score import score
    from voicelink.link_sim.simulation import simulate
    from voicelink.link_sim.summary import summary
    from voicelink.models.errors import ParameterError

    folder = Path(args.folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ParameterError(f"cannot make the folder {folder}: {error.strerror}") from None
    audio = read_audio(Path(__file__).parents[1] / "sample" / "sample.flac")
    chain = ChannelChain(channels_from(SCENARIO), args.seed)
    result = simulate(audio, chain, profile="half", callsign="N0CALL")
    # PESQ is not among what the demo installs, and is left out without a word.
    result.report["quality"] = {
        name: value for name, value in score(audio, result.audio).items() if name == "estoi"
    }
    print(summary(result.report))
    files = [
        (folder / "said.wav", "what was said"),
        (folder / "heard.wav", "what was heard"),
        (folder / "link.png", "waveform, spectrograms and what became of each frame"),
    ]
    write_audio(files[0][0], audio)
    write_audio(files[1][0], result.audio)
    channels = ", ".join(map(str, chain.channels))
    title = (
        f"{result.report['model']}, profile half, over {scenario(SCENARIO)['title']}: {channels}"
    )
    draw(files[2][0], audio, result.audio, result.statuses, title)
    print()
    for path, about in files:
        print(f"{path.resolve()}: {about}")
    return 0
