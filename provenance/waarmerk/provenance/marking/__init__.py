# SPDX-License-Identifier: Apache-2.0
"""Label one file: watermark, visible label, declarations, signed credentials, and the ledger that remembers it."""
