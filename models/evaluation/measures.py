"""Measures of decoded speech against its original, each from the library that its field uses.

Every measure takes two arrays, (n,) float at 8 kHz within +-1, aligned and equally long, and gives
a number; NaN where the recording cannot be measured (too short, or silent). The libraries are
optional: ``pip install 'gr-voicelink[eval]'``.

A new measure is one more `Measure` in `MEASURES`.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from voicelink.models.errors import ParameterError, VoiceLinkError
from voicelink.models.sizes import SAMPLE_RATE

EXTRA = "gr-voicelink[eval]"
PRAAT = "praat-parselmouth"


@dataclass(frozen=True)
class Measure:
    """One measure.

    Attributes:
        name: as ``--measures`` takes it.
        label: as a table's head shows it.
        better: "higher" or "lower".
        unit: of its values, "" for a bare number.
        library: the package that computes it.
        function: ``function(reference, decoded) -> float``.
        digits: decimals that a table shows.
        module: what of the library must import; "" for the module of the library's name.
    """

    name: str
    label: str
    better: str
    unit: str
    library: str
    function: Callable[[np.ndarray, np.ndarray], float]
    digits: int = 2
    module: str = ""

    def absent(self) -> str | None:
        """What to install, in words, where the library is not there or broken; None where it is."""
        reason = _import_failure(self.module or self.library)
        if reason is None:
            return None
        needs = f"{self.label} needs the Python package {self.library}"
        return f"{needs}: pip install '{EXTRA}' ({reason})"

    def __call__(self, reference: np.ndarray, decoded: np.ndarray) -> float:
        """The measure's value; NaN where the reference is silent, or too short for the measure.

        Raises:
            ParameterError: the arrays differ in shape or are not one-dimensional.
            VoiceLinkError: the library is absent.
        """
        if reference.ndim != 1 or reference.shape != decoded.shape:
            raise ParameterError(
                "reference and decoded must be one-dimensional and equally long,"
                f" not {reference.shape} and {decoded.shape}"
            )
        missing = self.absent()
        if missing:
            raise VoiceLinkError(missing)
        if not reference.any():
            return float("nan")
        return float(self.function(reference, decoded))


@cache
def _import_failure(module: str) -> str | None:
    """Why a module does not import, in one line; None where it does."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # other people's deprecated imports
            importlib.import_module(module)
    except Exception as error:  # one compiled for another numpy raises more than ImportError
        return " ".join(str(error).split())[:120]
    return None


def _intelligibility(reference: np.ndarray, decoded: np.ndarray, extended: bool) -> float:
    import pystoi

    with warnings.catch_warnings():
        # Under 0.4 s of speech pystoi warns and gives 1e-5, which is no measurement; under one
        # frame numpy's AxisError, a ValueError, comes out of it.
        warnings.simplefilter("error", RuntimeWarning)
        try:
            return pystoi.stoi(reference, decoded, SAMPLE_RATE, extended=extended)
        except (RuntimeWarning, ValueError):
            return float("nan")


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


def pesq_nb(reference: np.ndarray, decoded: np.ndarray) -> float:
    """Narrow-band PESQ, 1.0..4.55 (ITU-T P.862, mapped to MOS-LQO by P.862.1)."""
    import pesq

    try:
        return pesq.pesq(SAMPLE_RATE, reference, decoded, "nb")
    except (pesq.PesqError, ValueError):  # no utterance found, too short, or decoded to silence
        return float("nan")


@cache
def _warpq_metric():
    # pyvad, which WARP-Q uses, calls np.lib.pad, an alias that numpy 2 does not have.
    if not hasattr(np.lib, "pad"):
        np.lib.pad = np.pad
    from warpq.core import warpqMetric

    return warpqMetric(sr=_WARPQ_RATE, n_jobs=1)


_WARPQ_RATE = 16000


def warpq(reference: np.ndarray, decoded: np.ndarray) -> float:
    """Raw WARP-Q, about 0.5 (the same) to 3.5; lower is better.

    Jassim, Skoglund, Chinen & Hines, IET Signal Processing, 2022. At its own settings, made for
    16 kHz: the speech is resampled to that.
    """
    import soxr

    metric = _warpq_metric()
    pair = [
        np.clip(soxr.resample(audio.astype(np.float32), SAMPLE_RATE, _WARPQ_RATE), -1, 1)
        for audio in (reference, decoded)
    ]
    if not pair[1].any():
        return float("nan")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a recording is too short, which the NaN says
        return metric.evaluate(*pair, arr_sr=_WARPQ_RATE)["raw_warpq_score"]


def _pitches(reference: np.ndarray, decoded: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Hz every 10 ms, 0 where unvoiced, of both: Praat's autocorrelation method (Boersma, 1993).

    None where there is nothing to measure: under a quarter of a second, or decoded to silence.
    """
    import parselmouth

    if len(reference) < SAMPLE_RATE // 4 or not decoded.any():
        return None
    low, high = 60, 450
    tracks = [
        parselmouth.Sound(audio.astype(np.float64), SAMPLE_RATE).to_pitch_ac(
            time_step=0.01, pitch_floor=low, pitch_ceiling=high
        )
        for audio in (reference, decoded)
    ]
    return tracks[0].selected_array["frequency"], tracks[1].selected_array["frequency"]


def pitch_error(reference: np.ndarray, decoded: np.ndarray) -> float:
    """Gross pitch errors in per cent: of the frames that are voiced in both, how many have a pitch
    that is off by more than 20 % (Chu & Alwan, ICASSP 2009)."""
    pitches = _pitches(reference, decoded)
    if pitches is None:
        return float("nan")
    wanted, found = pitches
    both = (wanted > 0) & (found > 0)
    if not both.any():
        return float("nan")
    return 100 * float(np.mean(np.abs(found[both] / wanted[both] - 1) > 0.2))


def voicing_error(reference: np.ndarray, decoded: np.ndarray) -> float:
    """Voicing decision errors in per cent of all frames (Chu & Alwan, ICASSP 2009)."""
    pitches = _pitches(reference, decoded)
    if pitches is None:
        return float("nan")
    wanted, found = pitches
    return 100 * float(np.mean((wanted > 0) != (found > 0)))


MEASURES: dict[str, Measure] = {
    m.name: m
    for m in (
        Measure("estoi", "ESTOI", "higher", "", "pystoi", estoi, 3),
        Measure("stoi", "STOI", "higher", "", "pystoi", stoi, 3),
        Measure("pesq", "PESQ-NB", "higher", "MOS-LQO", "pesq", pesq_nb),
        Measure("warpq", "WARP-Q", "lower", "", "warpq", warpq, module="warpq.core"),
        Measure("pitch", "pitch err.", "lower", "%", PRAAT, pitch_error, 1, "parselmouth"),
        Measure("voicing", "voicing err.", "lower", "%", PRAAT, voicing_error, 1, "parselmouth"),
    )
}
"""Every measure, by name, in the order of a table's columns."""
