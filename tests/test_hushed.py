"""What libraries in C write on standard error and output, kept from being seen."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

import pytest

from voicelink.models.hushed import hushed


def test_standard_error_is_silent_and_what_it_said_is_known(capfd) -> None:
    with hushed() as said:
        os.write(2, b"unseen")
        os.write(1, b"result ")
        assert said == b""
    os.write(2, b"seen")
    assert said == b"unseen" and capfd.readouterr() == ("result ", "seen")


def test_both_are_kept_in_their_order_also_where_it_fails(capfd) -> None:
    with pytest.raises(ZeroDivisionError), hushed((1, 2)) as said:
        os.write(1, b"one ")
        os.write(2, b"two")
        raise ZeroDivisionError
    assert said == b"one two" and capfd.readouterr() == ("", "")


def test_without_a_place_for_files_it_is_silent_all_the_same(capfd, monkeypatch) -> None:
    def nowhere() -> None:
        raise FileNotFoundError

    monkeypatch.setattr(tempfile, "TemporaryFile", nowhere)
    with hushed() as said:
        os.write(2, b"unseen")
    assert said == b"" and capfd.readouterr().err == ""


@pytest.mark.parametrize("closed", [1, 2])
@pytest.mark.parametrize("streams", [(2,), (1, 2), (2, 1)])
def test_a_stream_that_is_not_there_leaves_the_other_as_it_was(closed: int, streams: tuple) -> None:
    """As in a program started with 2>&-, where a copy of the one gets the number of the other."""
    other = 3 - closed
    program = (
        "import os\n"
        "from voicelink.models.hushed import hushed\n"
        f"os.close({closed})\n"
        f"with hushed({streams}):\n"
        f"    os.write({other}, b'within ')\n"
        f"os.write({other}, b'after')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60)
    assert done.returncode == 0
    said = (done.stdout, done.stderr)[other - 1]
    assert said == (b"after" if other in streams else b"within after")
