# SPDX-License-Identifier: Apache-2.0
"""One report, many forms. Every form is rendered from the dictionary that ``document.to_dict`` makes."""
