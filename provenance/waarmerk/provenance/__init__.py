# SPDX-License-Identifier: Apache-2.0
"""Where a picture or a clip comes from, and which label it owes."""
