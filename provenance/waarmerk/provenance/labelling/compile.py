# SPDX-License-Identifier: Apache-2.0
"""Write the compiled form of the shipped pack: ``python -m waarmerk.provenance.labelling.compile``.

To be run after each change to the pack; a test compares the committed file with the YAML beside it.
"""

from waarmerk.provenance.labelling.loader import COMPILED, SHIPPED, compiled_form

if __name__ == "__main__":
    (SHIPPED / COMPILED).write_bytes(compiled_form())
