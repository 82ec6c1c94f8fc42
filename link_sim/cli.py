"""The ``voicelink`` command: finds the verb, and turns errors into one line and status 2."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import warnings

from voicelink.link_sim.commands import VERBS
from voicelink.models.errors import VoiceLinkError


class _Version(argparse.Action):
    """Looks it up only where it is asked for."""

    def __call__(self, parser, namespace, values, option_string=None):
        from voicelink.link_sim.version import version

        print(f"voicelink {version()}")
        parser.exit()


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # one line, where argparse prints its usage first
        self.exit(2, f"voicelink: {message} (see {self.prog} --help)\n")

    def parse_known_args(self, args=None, namespace=None):  # told by the verb, not by the top
        namespace, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return namespace, unknown


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    top = _Parser(prog="voicelink", description="Speech over radio and networks at 800 bit/s.")
    top.add_argument("--version", action=_Version, nargs=0, help="say the version, and leave")
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb in VERBS:
        module = importlib.import_module(f"voicelink.link_sim.commands.{verb}")
        sub = verbs.add_parser(verb, help=module.HELP, description=module.HELP)
        module.add_arguments(sub)
        sub.set_defaults(run=module.run)
    return top


def main(argv: list[str] | None = None) -> int:
    """Run the command line; the exit status is 0, or 2 for input that cannot be used."""
    args = parser().parse_args(argv)
    # Said where Debian's matplotlib, which GNU Radio brings, is there too; nothing here is in 3-D.
    warnings.filterwarnings("ignore", "Unable to import Axes3D")
    try:
        status = args.run(args)
        # What is still buffered is written here, where a failure can be told, and not at exit.
        sys.stdout.flush()
        return status
    except VoiceLinkError as error:
        print(f"voicelink: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except OSError as error:  # of standard output: those of files are errors of our own
        # Keep Python from trying to write the rest, and complaining about it, at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):  # the reader of our pipe has gone
            return 0
        print(f"voicelink: {error.strerror or error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
