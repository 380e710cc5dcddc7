# SPDX-License-Identifier: Apache-2.0
"""Duties: which label a piece of content owes, by whom, under which rule, or which question decides."""
