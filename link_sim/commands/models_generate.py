"""``voicelink models generate``: new digits out of the autoencoder's latents."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

HELP = "speak new digits, that nobody said, and draw their spectrograms"

NAME = r"(?!000)[0-9]{3}\.wav|1000\.wav"
PICTURE = "spectrograms.png"
MOST_DRAWN = 16
WARMTH = 0.6


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
        "--out",
        default="digits",
        metavar="DIR",
        help="folder for them (default: digits); what an earlier run left there is replaced",
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
    from pathlib import Path

    from voicelink.blocks.audio import write_audio
    from voicelink.link_sim.picture import check_matplotlib
    from voicelink.models.card import card
    from voicelink.models.digits import generate
    from voicelink.models.digits.recognise import recognise
    from voicelink.models.errors import ParameterError
    from voicelink.models.evaluation.progress import progress_bar

    check_matplotlib()
    found = card(args.model)
    if found.engine != "vae":
        raise ParameterError(f"{found.name} generates nothing; vae-digits does")
    _check(args)
    if args.between:
        latents = generate.between(found, *args.between, args.count, args.seed)
    else:
        way = generate.WAYS[args.prior]
        warmth = WARMTH if args.warmth is None else args.warmth
        latents = generate.draw(found, args.count, args.seed, way, args.digit, warmth)
    folder = Path(args.out)
    older = _older(folder)
    spoken = []
    with progress_bar() as progress:
        for done, each in enumerate(latents, 1):
            spoken.append(generate.speak(found, each))
            progress(done, len(latents), "digits")
    names = [f"{index:03}.wav" for index in range(1, len(spoken) + 1)]
    shown = min(len(spoken), MOST_DRAWN)
    heard = recognise(audio for audio, _ in spoken[:shown])
    title = f"{found.name}, seed {args.seed}"
    if shown < len(spoken):
        title += f": the first {shown} of {len(spoken)}"
    # The picture comes first: by it a folder is known for this command's, whatever ends it then.
    generate.picture(
        folder / PICTURE,
        [decibels for _, decibels in spoken[:shown]],
        [f"{name}, heard: {digit}" for name, digit in zip(names, heard, strict=False)],
        title,
    )
    for path in older:
        path.unlink(missing_ok=True)
    for name, (audio, _) in zip(names, spoken, strict=True):
        write_audio(folder / name, audio)
        print(folder / name)
    print(folder / PICTURE)
    return 0


def _check(args: argparse.Namespace) -> None:
    """Raise `ParameterError` where options are out of range, or do not go together."""
    from voicelink.models.errors import ParameterError, require

    require("--count", args.count, 2 if args.between else 1, 1000)
    require("--seed", args.seed, 0, 2**63 - 1)
    for digit in args.between or ():
        require("--between", digit, 0, 9)
    if args.digit is not None:
        require("--digit", args.digit, 0, 9)
    if args.warmth is not None:
        require("--warmth", args.warmth, 0, 2)
    if args.between and (args.prior or args.digit is not None or args.warmth is not None):
        raise ParameterError("--between must stand without --digit, --prior and --warmth")
    if args.prior and args.digit is not None:
        raise ParameterError("--digit must stand without --prior, which knows no digits")


def _older(folder: Path) -> list[Path]:
    """Make the folder; the digits that an earlier run left in it.

    Raises:
        ParameterError: it cannot be made, or holds files of such names that no run left.
    """
    from voicelink.models.errors import ParameterError

    try:
        folder.mkdir(parents=True, exist_ok=True)
        older = [path for path in sorted(folder.glob("*.wav")) if re.fullmatch(NAME, path.name)]
    except OSError as error:
        raise ParameterError(f"--out: cannot make {folder}: {error.strerror}") from None
    if older and not (folder / PICTURE).is_file():
        raise ParameterError(
            f"--out: {older[0]} is not of this command, as {PICTURE} is not there; name another"
            " folder"
        )
    return older
