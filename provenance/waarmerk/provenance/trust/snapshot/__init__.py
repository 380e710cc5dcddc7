# SPDX-License-Identifier: Apache-2.0
"""The dated state of the official lists that ships; data only, see NOTICE."""
