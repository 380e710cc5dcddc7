# SPDX-License-Identifier: Apache-2.0
"""One file a group of routes; a route parses, calls the library once, and answers."""
