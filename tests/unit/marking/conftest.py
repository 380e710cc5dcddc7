# SPDX-License-Identifier: Apache-2.0
"""A campaign with keys, a ledger and a trust store of its own, and pictures to label."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.conftest import AT
from tests.own_keys import write_signing_keys, write_trust
from tests.unit.marking.pictures import scene
from waarmerk.provenance.build import build_labeller, build_verifier
from waarmerk.provenance.credentials.signing_folder import load_folder
from waarmerk.provenance.marking.labeller import Labelled, Labeller
from waarmerk.provenance.marking.plan import Says, Wishes
from waarmerk.provenance.marking.watermark import Marker
from waarmerk.provenance.model import Report
from waarmerk.provenance.registry import Ledger
from waarmerk.provenance.settings import Settings
from waarmerk.watermark import Key


@dataclass(frozen=True)
class Desk:
    """Where a campaign labels and verifies."""

    folder: Path

    @property
    def settings(self) -> Settings:
        return Settings(trust=self.folder / "trust")

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.folder / "ledger.sqlite")

    def labeller(self, draw: Callable[[int], bytes] = os.urandom, *, remembers: bool = True) -> Labeller:
        return build_labeller(
            replace(self.settings, keys=(self.folder / "mark.key",), ledger=self.folder / "ledger.sqlite"),
            at=AT,
            signer=load_folder(self.folder / "keys"),
            marker=Marker(key=Key.load(self.folder / "mark.key"), draw=draw),
            ledger=self.folder / "ledger.sqlite" if remembers else None,
        )

    def label(
        self, source: Path, target: Path, *, force: bool = False, others: tuple[Path, ...] = (), **wishes: Any
    ) -> Labelled:
        labeller = self.labeller()
        prepared = labeller.prepare(source, Wishes(**{"says": Says.GENERATED, **wishes}))
        return labeller.write(prepared, target, force=force, others=others)

    def verify(self, path: Path) -> Report:
        settings = Settings(
            trust=self.folder / "trust", keys=(self.folder / "mark.key",), ledger=self.folder / "ledger.sqlite"
        )
        return build_verifier(settings, at=AT).verify(path)


def made_desk(folder: Path) -> Desk:
    """A desk with keys, a trust store and an empty ledger in ``folder``."""
    write_trust(folder / "trust", write_signing_keys(folder / "keys", at=AT), at=AT)
    Key.generate("ai").save(folder / "mark.key")
    Ledger(folder / "ledger.sqlite").create()
    return Desk(folder)


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return made_desk(tmp_path_factory.mktemp("desk"))


def saved(
    path: Path, form: str, mode: str = "RGB", seed: int = 3, size: tuple[int, int] = (480, 640), **how: Any
) -> Path:
    target = BytesIO()
    Image.fromarray(scene(*size, seed)).convert(mode).save(target, form, **how)
    path.write_bytes(target.getvalue())
    return path
