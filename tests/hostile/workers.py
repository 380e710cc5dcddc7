# SPDX-License-Identifier: Apache-2.0
"""How the scripts of tests begin that are the real worker, but for what files of certain names do in it."""

# ``plain`` is what the real one does with a file, ``held`` has the line on which it answers.
HELD = """
from waarmerk.provenance.jobs import line, workbench, worker
plain, task, held = workbench.Workbench.perform, line.Line.task, []
def kept(self):
    held[:] = [self]
    return task(self)
line.Line.task = kept
"""
