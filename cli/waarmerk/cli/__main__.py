# SPDX-License-Identifier: Apache-2.0
"""``python -m waarmerk.cli`` is the command ``waarmerk``."""

from waarmerk.cli.main import main

main()
