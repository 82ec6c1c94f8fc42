"""What is said where frames of another model come."""

from __future__ import annotations

from voicelink.models.card import card_of_number
from voicelink.models.errors import FormatError, ModelError


def of_another_model(number: int) -> str:
    """That frames of the model with this number come, 0..15, and what to do about it.

    >>> of_another_model(3)
    'what comes is of the model parametric-800: it takes --model parametric-800'
    """
    try:
        name = card_of_number(number).id
    except ModelError as error:
        return f"what comes is of another model: {error}"
    return f"what comes is of the model {name}: it takes --model {name}"


def check_ours(stranger: int | None, whole: int) -> None:
    """Raise `FormatError` where frames of another model came, and none of our own was whole.

    A frame that failed does not say whose it is, and counts as our own.

    Args:
        stranger: number of the other model, 0..15; None where no frame was of one.
        whole: frames of our own that were clean or corrected.
    """
    if stranger is not None and not whole:
        raise FormatError(f"nothing was heard: {of_another_model(stranger)}")
