# SPDX-License-Identifier: Apache-2.0
"""Marks of others in the pixels: open ones, whose constants are published, are read here.

Works on arrays, knows nothing of files, evidence or verdicts.
"""
