"""What GNU Radio Companion needs: block descriptions, flowgraphs, and the tool for them.

``voicelink_*.block.yml`` describe the blocks of `voicelink.blocks.gnuradio`, one file a block;
``*.grc`` are flowgraphs, ready to run. The modules here are what ``voicelink grc`` does with them.
They read GNU Radio's own package for GRC where they need it, and only there.
"""

from voicelink.grc.errors import errors_in_one_line
from voicelink.grc.files import check_recordings, sample

__all__ = ["check_recordings", "errors_in_one_line", "sample"]
