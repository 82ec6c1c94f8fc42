"""What a recogniser with a small vocabulary understands of speech whose words are known."""

from __future__ import annotations

import math
import re
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np

from voicelink.models.evaluation.recogniser import edits, recognised

Sentence = tuple[str, ...]
"""Words in lower case, without punctuation."""

DISCOUNT = 0.5
"""Taken from each pair that is said and given to all others: the more, the less surely the
recogniser expects what is said. Below 1."""
_BEGIN, _END = "<s>", "</s>"
_APOSTROPHES = {0x2019: "'", 0x2BC: "'", 0xAD: None}  # and the soft hyphen, which is no letter


@dataclass(frozen=True)
class Transcript:
    """What is said in a recording.

    Attributes:
        words: of the recording.
        language: every sentence that the recogniser may expect, of all recordings together.
        discount: how unsurely it expects them, see `DISCOUNT`.
    """

    words: Sentence
    language: tuple[Sentence, ...]
    discount: float = DISCOUNT


def words_of(text: str) -> Sentence:
    """A text's words, without the marks above letters, which no English dictionary has.

    >>> words_of("Aristotle thought: the sun's rays!")
    ('aristotle', 'thought', 'the', "sun's", 'rays')
    """
    plain = unicodedata.normalize("NFKD", text.lower().translate(_APOSTROPHES))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return tuple(re.findall(r"[^\W_]+(?:'[^\W_]+)*", plain))


def transcripts(texts: Mapping[str, str], discount: float = DISCOUNT) -> dict[str, Transcript]:
    """Transcripts by recording, of texts by recording; those without a word are left out. The
    recogniser may expect what is said in any."""
    said = {name: words for name, text in texts.items() if (words := words_of(text))}
    language = tuple(dict.fromkeys(said.values()))
    return {name: Transcript(words, language, discount) for name, words in said.items()}


def bigrams(sentences: Iterable[Sentence], discount: float = DISCOUNT) -> str:
    """A language of pairs of words, in ARPA's format.

    Pairs that were never seen fall back to single words by absolute discounting (Ney, Essen &
    Kneser, Computer Speech & Language 8(1), 1994).
    """
    pairs = Counter(p for words in sentences for p in pairwise((_BEGIN, *words, _END)))
    before, words, kinds = Counter(), Counter(), Counter()
    for (first, second), count in pairs.items():
        before[first] += count
        words[second] += count
        kinds[first] += 1
    total = words.total()
    followed = Counter()
    for first, second in pairs:
        followed[first] += words[second] / total

    def taken(word: str) -> float:
        # Where every word was seen behind it, there is none to fall back to.
        return discount if followed[word] < 1 - 1e-9 else 0

    def fall_back(word: str) -> float:
        if not before[word] or not taken(word):
            return 1
        return taken(word) * kinds[word] / before[word] / (1 - followed[word])

    lines = ["\\data\\", f"ngram 1={len(words) + 1}", f"ngram 2={len(pairs)}", "", "\\1-grams:"]
    lines.append(f"-99 {_BEGIN} {math.log10(fall_back(_BEGIN)):.5f}")
    for word, count in sorted(words.items()):
        chance = math.log10(count / total)
        lines.append(f"{chance:.5f} {word} {math.log10(fall_back(word)):.5f}")
    lines += ["", "\\2-grams:"]
    for (first, second), count in sorted(pairs.items()):
        chance = math.log10((count - taken(first)) / before[first])
        lines.append(f"{chance:.5f} {first} {second}")
    return "\n".join([*lines, "", "\\end\\", ""])


@cache
def _dictionary() -> dict[str, list[str]]:
    """The recogniser's lines on each word, "the(2)" being another way to say "the"."""
    from pocketsphinx import get_model_path

    lines: dict[str, list[str]] = {}
    with open(get_model_path("en-us/cmudict-en-us.dict"), encoding="utf-8") as file:
        for line in file:
            lines.setdefault(line.split(maxsplit=1)[0].partition("(")[0], []).append(line)
    return lines


def unknown(said: Iterable[Transcript | None]) -> list[str]:
    """The words that the recogniser's dictionary (English) lacks: it never hears them."""
    words = {word for transcript in said if transcript for word in transcript.words}
    return sorted(words - _dictionary().keys())


@cache
def _decoder(language: tuple[Sentence, ...], discount: float):
    from pocketsphinx import Decoder

    known = _dictionary()
    words = sorted({word for sentence in language for word in sentence})
    with tempfile.TemporaryDirectory() as folder:
        said, spelt = Path(folder) / "language.arpa", Path(folder) / "words.dict"
        said.write_text(bigrams(language, discount), encoding="utf-8")
        # The whole dictionary would take seconds to load.
        spelt.write_text("".join(line for w in words for line in known.get(w, ())), "utf-8")
        # "batch" keeps nothing from one recording for the next.
        return Decoder(lm=str(said), dict=str(spelt), cmn="batch", loglevel="FATAL")


def word_error(transcript: Transcript, decoded: np.ndarray) -> float:
    """Word errors in per cent: edits between what is said and what PocketSphinx (English) hears in
    the decoded speech (n,) at 8 kHz, for each word that is said.

    It expects the transcripts' words in pairs as they stand there. That helps it a great deal:
    compare codecs by it, on the same transcripts. NaN where it knows no word that is said.
    """
    if not _dictionary().keys() & set(transcript.words):
        return math.nan
    decoder = _decoder(transcript.language, transcript.discount)
    said = [name for name, _, _ in recognised(decoder, decoded)]
    # Silences and noises begin otherwise than words.
    said = [name.partition("(")[0] for name in said if name[0] not in "<[+"]
    return 100 * edits(transcript.words, said) / len(transcript.words)
