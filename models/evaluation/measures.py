"""Measures of decoded speech against its original, each from the library that its field uses.

Every measure takes two arrays, (n,) float at 8 kHz within +-1, aligned and equally long, some a
transcript besides, and gives a number; NaN where the recording cannot be measured (too short, or
silent). The libraries are optional: each `Measure` names the extra of ``gr-voicelink`` that
installs it.

A new measure is one more `Measure` in `MEASURES`.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from voicelink.models.errors import ParameterError, VoiceLinkError, one_line
from voicelink.models.evaluation.cepstrum import mel_cepstral_distance
from voicelink.models.evaluation.dnsmos import overall, p808, signal
from voicelink.models.evaluation.intelligibility import estoi, stoi
from voicelink.models.evaluation.pitch import pitch_error, voicing_error
from voicelink.models.evaluation.quality import pesq_nb, visqol, warpq
from voicelink.models.evaluation.recogniser import phoneme_error
from voicelink.models.evaluation.voice import speaker_similarity
from voicelink.models.evaluation.words import Transcript, word_error

TOPICS = ("speech", "voice")
"""Blocks of a table: intelligibility and quality beside the original; all else."""

PRAAT = "praat-parselmouth"
VISQOL = "visqol-python[lattice]"


@dataclass(frozen=True)
class Measure:
    """One measure.

    Attributes:
        name: as ``--measures`` takes it.
        label: as a table's head shows it.
        better: "higher" or "lower".
        unit: of its values, "" for a bare number.
        library: the package that computes it.
        function: ``function(reference, decoded) -> float``; a `Transcript` is its reference where
            it is ``transcribed``.
        digits: decimals that a table shows.
        modules: what of the library must import; none for the module of the library's name.
        extra: the extra of ``gr-voicelink`` that installs the library.
        topic: one of `TOPICS`.
        transcribed: whether it must be told what is said.
    """

    name: str
    label: str
    better: str
    unit: str
    library: str
    function: Callable[[np.ndarray, np.ndarray], float] | Callable[[Transcript, np.ndarray], float]
    digits: int = 2
    modules: tuple[str, ...] = ()
    extra: str = "eval"
    topic: str = "speech"
    transcribed: bool = False

    def absent(self) -> str | None:
        """What to install, in words, where the library is not there or broken; None where it is."""
        reasons = [_import_failure(module) for module in self.modules or (self.library,)]
        reason = next(filter(None, reasons), None)
        if reason is None:
            return None
        needs = f"{self.label} needs the Python package {self.library}"
        return f"{needs}: pip install '.[{self.extra}]' ({reason})"

    def __call__(
        self, reference: np.ndarray, decoded: np.ndarray, transcript: Transcript | None = None
    ) -> float:
        """The measure's value; NaN where the reference is silent, or too short for the measure, or
        where it needs a transcript and there is none.

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
        if not self.transcribed:
            return float(self.function(reference, decoded))
        return float("nan") if transcript is None else float(self.function(transcript, decoded))


@cache
def _import_failure(module: str) -> str | None:
    """Why a module does not import, in one line; None where it does."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # other people's deprecated imports
            importlib.import_module(module)
    except Exception as error:  # one compiled for another numpy raises more than ImportError
        return one_line(error)
    return None


MEASURES: dict[str, Measure] = {
    m.name: m
    for m in (
        Measure("estoi", "ESTOI", "higher", "", "pystoi", estoi, 3),
        Measure("stoi", "STOI", "higher", "", "pystoi", stoi, 3),
        Measure("phonemes", "phoneme err.", "lower", "%", "pocketsphinx", phoneme_error, 1),
        Measure(
            "words", "word err.", "lower", "%", "pocketsphinx", word_error, 1, transcribed=True
        ),
        Measure("pesq", "PESQ-NB", "higher", "MOS-LQO", "pesq", pesq_nb),
        Measure("warpq", "WARP-Q", "lower", "", "warpq", warpq, modules=("warpq.core",)),
        Measure(
            "visqol",
            "ViSQOL",
            "higher",
            "MOS-LQO",
            VISQOL,
            visqol,
            modules=("visqol", "ai_edge_litert.interpreter"),
        ),
        *(
            Measure(
                f"dnsmos-{name}",
                f"DNSMOS {label}",
                "higher",
                "MOS",
                "speechmos",
                function,
                modules=("speechmos.dnsmos",),
                topic="voice",
            )
            for name, label, function in (
                ("ovrl", "OVRL", overall),
                ("sig", "SIG", signal),
                ("p808", "P808", p808),
            )
        ),
        Measure(
            "similarity",
            "same voice",
            "higher",
            "",
            "resemblyzer",
            speaker_similarity,
            3,
            extra="similarity",
            topic="voice",
        ),
        Measure("mcd", "MCD", "lower", "dB", "librosa", mel_cepstral_distance, topic="voice"),
        *(
            Measure(
                name,
                f"{name} err.",
                "lower",
                "%",
                PRAAT,
                function,
                1,
                modules=("parselmouth",),
                topic="voice",
            )
            for name, function in (("pitch", pitch_error), ("voicing", voicing_error))
        ),
    )
}
"""Every measure, by name, in the order of a table's columns."""

WITHOUT_TRANSCRIPTS = {
    name: measure for name, measure in MEASURES.items() if not measure.transcribed
}
"""Those that need not be told what is said."""
