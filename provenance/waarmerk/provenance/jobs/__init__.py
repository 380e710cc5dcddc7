# SPDX-License-Identifier: Apache-2.0
"""Many files, hostile files: every file is parsed in a process that may die without harm."""

from waarmerk.provenance.jobs.pool import Pool

__all__ = ["Pool"]
