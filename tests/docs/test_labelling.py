# SPDX-License-Identifier: Apache-2.0
"""What the guide to labelling shows works as it stands there."""

import re
from pathlib import Path

from tests.conftest import ROOT, Run
from tests.unit.marking.conftest import saved
from waarmerk.cli.profile import Profile

GUIDE = ROOT / "docs" / "labelling-your-own.md"


def test_the_profile_of_the_guide_is_a_profile(waarmerk: Run, tmp_path: Path) -> None:
    shown = re.search(r"```toml\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    assert shown is not None
    path = tmp_path / "profile.toml"
    path.write_text(shown[1], "utf-8")
    assert Profile.read(path).label_languages == ("nl", "en")
    source = saved(tmp_path / "in.png", "PNG")
    done = waarmerk("label", source, tmp_path / "out.png", "--ai", "generated", "--profile", path, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "Gemaakt met AI / AI-generated" in done.stdout
