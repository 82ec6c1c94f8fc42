"""What is said where frames of another model come."""

from __future__ import annotations

from voicelink.models.card import card_of_number
from voicelink.models.errors import ModelError


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
