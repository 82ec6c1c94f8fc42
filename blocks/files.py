"""Output files that are whole or not there at all."""

from voicelink.models.files import check_folder, writing

__all__ = ["check_folder", "writing"]
