# SPDX-License-Identifier: Apache-2.0
"""Fact-checks taken in by the command line, from files alone."""

import json
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import Run
from tests.unit.marking.pictures import scene
from tests.unit.registry.test_claim_review import CHECK, CLAIM, MEDIA, POSTED
from tests.unit.sources.test_registry import stamped

LOST = "https://social.example/p/9.jpg"
AT = ("--at", "2026-11-22T12:00:00Z")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    picture = scene(600, 800, 5)
    (tmp_path / "images").mkdir()
    Image.fromarray(picture).save(tmp_path / "images" / "1.jpg", quality=92)
    Image.fromarray(stamped(picture)).save(tmp_path / "images" / "flood-false.jpg", quality=92)
    Image.fromarray(picture).resize((400, 300)).save(tmp_path / "repost.jpg", quality=60)
    Image.fromarray(stamped(picture)).save(tmp_path / "shared.jpg", quality=60)
    other = {**CLAIM, "url": "https://check.example/2", "image": None, "itemReviewed": {"image": LOST}}
    feed = {"@type": "DataFeed", "dataFeedElement": [{"item": [CLAIM, MEDIA | {"itemReviewed": None}, other]}]}
    (tmp_path / "feed.json").write_text(json.dumps(feed))
    return tmp_path


def test_a_feed_with_its_pictures_and_then_a_sweep(folder: Path, waarmerk: Run) -> None:
    where = ("--registry", folder / "known.sqlite")
    taking = ("registry", "import", "--claim-review", folder / "feed.json", "--images", folder / "images", *where)
    done = waarmerk(*taking, "--format", "json", *AT)
    assert done.returncode == 1, "not every picture is there"
    told = json.loads(done.stdout)
    assert told["fact_checks"] == 2
    assert [(Path(row["name"]).name, row["role"], row["what"]) for row in told["pictures"]] == [
        ("1.jpg", "item", "entered"),
        ("flood-false.jpg", "debunk", "entered"),
    ]
    assert [(each["address"], each["why"]) for each in told["unmatched"]] == [(LOST, "no-file")]
    again = json.loads(waarmerk(*taking, "--format", "json", *AT).stdout)
    assert [row["what"] for row in again["pictures"]] == ["known", "known"]
    rows = json.loads(
        waarmerk(
            "registry", "sweep", folder / "repost.jpg", folder / "shared.jpg", *where, "--format", "json", *AT
        ).stdout
    )
    assert [(Path(row["name"]).name, row["fact_checks"], row["source"]) for row in rows] == [
        ("repost.jpg", [CHECK], "Check Desk")
    ], "what the fact-check shows itself is no copy"
    assert rows[0]["labels"] == ["fact-checked", "decontextualized-content", "transformed-content"]


def test_the_unstamped_picture_of_an_article_hides_no_copy(folder: Path, waarmerk: Run) -> None:
    where = ("--registry", folder / "known.sqlite")
    named = (f"{POSTED}={folder / 'images' / '1.jpg'}", f"{CLAIM['image']}={folder / 'repost.jpg'}")
    done = waarmerk(
        *("registry", "import", "--claim-review", folder / "feed.json", "--image", named[0], "--image", named[1]),
        *where,
        *AT,
    )
    assert "without a stamp" in done.stdout
    swept = waarmerk("registry", "sweep", folder / "repost.jpg", *where, "--format", "json", *AT)
    assert [row["registry_id"] for row in json.loads(swept.stdout)] == ["r1"]


def test_wrong_usage(folder: Path, waarmerk: Run) -> None:
    feed = folder / "feed.json"
    for wrong in (
        (),
        (feed, "--claim-review", feed),
        (feed, "--images", folder / "images"),
        ("--claim-review", feed, "--image", "nothing"),
        ("--claim-review", feed, "--accept", "00"),
    ):
        assert waarmerk("registry", "import", *wrong, "--registry", folder / "x.sqlite").returncode == 2
    assert not (folder / "x.sqlite").exists()
