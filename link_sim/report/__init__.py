"""What `voicelink sweep` found, as one page that needs nothing beside itself, or as one picture."""

from voicelink.link_sim.report.page import write_report
from voicelink.link_sim.report.picture import write_picture

__all__ = ["write_picture", "write_report"]
