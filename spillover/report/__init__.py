"""The whole job in one call: firm panel and input-output table in, report folder out."""

from spillover.report.job import Outcome, run
from spillover.report.settings import Settings, demo_settings, read_settings
from spillover.report.write import write_report

__all__ = ["Outcome", "Settings", "demo_settings", "read_settings", "run", "write_report"]
