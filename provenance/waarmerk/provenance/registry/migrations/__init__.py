# SPDX-License-Identifier: Apache-2.0
"""How the tables came to be, one step a file in ``versions``; run by alembic (``migrate.py``), never by hand."""
