"""Intelligibility without a recogniser: STOI and ESTOI."""

from __future__ import annotations

import warnings

import numpy as np

from voicelink.models.sizes import SAMPLE_RATE


def _intelligibility(reference: np.ndarray, decoded: np.ndarray, extended: bool) -> float:
    import pystoi

    # It adds noise of numpy's global generator to silence: the same each time.
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(0)  # noqa: NPY002
    with warnings.catch_warnings():
        # Under 0.4 s of speech pystoi warns and gives 1e-5, which is no measurement; under one
        # frame numpy's AxisError, a ValueError, comes out of it.
        warnings.simplefilter("error", RuntimeWarning)
        try:
            return pystoi.stoi(reference, decoded, SAMPLE_RATE, extended=extended)
        except (RuntimeWarning, ValueError):
            return float("nan")
        finally:
            np.random.set_state(state)  # noqa: NPY002


def estoi(reference: np.ndarray, decoded: np.ndarray) -> float:
    """Extended short-time objective intelligibility, about 0..1.

    Jensen & Taal, IEEE/ACM Trans. Audio, Speech, Lang. Process. 24(11), 2016.
    """
    return _intelligibility(reference, decoded, extended=True)


def stoi(reference: np.ndarray, decoded: np.ndarray) -> float:
    """Short-time objective intelligibility, about 0..1.

    Taal, Hendriks, Heusdens & Jensen, IEEE Trans. Audio, Speech, Lang. Process. 19(7), 2011.
    """
    return _intelligibility(reference, decoded, extended=False)
