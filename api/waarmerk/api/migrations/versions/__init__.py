# SPDX-License-Identifier: Apache-2.0
"""The steps, in order. A step is never changed after a release: what it made is out there."""
