"""``voicelink models generate``: new digits out of the autoencoder's latents."""

from __future__ import annotations

import argparse

HELP = "speak new digits, that nobody said, and draw their spectrograms"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model",
        nargs="?",
        default="vae-digits",
        help="a model of the kind of vae-digits, or vae-digits:griffin-lim (default: vae-digits)",
    )
    parser.add_argument(
        "-n", "--count", type=int, default=8, metavar="N", help="how many, 1 to 1000 (default: 8)"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the draw (default: 0)")
    parser.add_argument(
        "--out", default="digits", metavar="DIR", help="folder for them (default: digits)"
    )
    parser.add_argument("--digit", type=int, metavar="D", help="always this one, 0 to 9")
    parser.add_argument(
        "--prior",
        action="store_true",
        help="draw from N(0, I) instead of the neighbourhood of digits that were learnt",
    )
    parser.add_argument(
        "--warmth",
        type=float,
        default=0.6,
        metavar="X",
        help="how far from the middle, in standard deviations, 0 to 2 (default: 0.6)",
    )
    parser.add_argument(
        "--between",
        type=int,
        nargs=2,
        metavar=("A", "B"),
        help="on the way from digit A to digit B in one voice, instead",
    )


def run(args: argparse.Namespace) -> int:
    from importlib.util import find_spec
    from pathlib import Path

    import soundfile

    from voicelink.models.card import card
    from voicelink.models.digits import generate
    from voicelink.models.errors import ParameterError, require
    from voicelink.models.files import writing
    from voicelink.models.sizes import SAMPLE_RATE

    if find_spec("matplotlib") is None:
        raise ParameterError("a picture needs matplotlib: pip install 'gr-voicelink[demo]'")
    found = card(args.model)
    if found.engine != "vae":
        raise ParameterError(f"model must be one like vae-digits, but {found.id} generates nothing")
    require("--count", args.count, 1, 1000)
    if args.between and (args.prior or args.digit is not None):
        raise ParameterError("--between must stand without --digit and --prior")
    if args.between:
        latents = generate.between(found, *args.between, args.count, args.seed)
    else:
        way = generate.WAYS[args.prior]
        latents = generate.draw(found, args.count, args.seed, way, args.digit, args.warmth)
    folder = Path(args.out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ParameterError(f"--out: cannot make {folder}: {error.strerror}") from None
    spectrograms = []
    for index, each in enumerate(latents, 1):
        audio, decibels = generate.speak(found, each)
        path = folder / f"{index:03}.wav"
        with writing(path) as part:
            soundfile.write(part, audio, SAMPLE_RATE, subtype="PCM_16")
        spectrograms.append(decibels)
        print(path)
    path = folder / "spectrograms.png"
    generate.picture(path, spectrograms[:16], f"{found.name}, seed {args.seed}")
    print(path)
    return 0
