# SPDX-License-Identifier: Apache-2.0
"""How the tables of a service came to be, one step a file in ``versions``; run by ``migrate.py``, never by hand."""
