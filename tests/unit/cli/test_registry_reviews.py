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


def test_a_feed_says_what_it_left_out_and_why(folder: Path, waarmerk: Run) -> None:
    feed = folder / "mixed.json"
    script = {**CLAIM, "url": "javascript:alert(1)", "itemReviewed": {"image": LOST}, "image": None}
    text = {"@type": "ClaimReview", "url": "https://check.example/text"}
    feed.write_text(json.dumps([CLAIM, script, text, {**script, "url": ""}]))
    taking = ("registry", "import", "--claim-review", feed, "--images", folder / "images")
    done = waarmerk(*taking, "--registry", folder / "known.sqlite", *AT)
    assert done.returncode == 1, "every picture is there, and not every fact-check"
    last = done.stdout.splitlines()[2:]
    assert "javascript:alert(1)" in last[0]
    assert LOST in last[0]
    assert last[1] == "https://check.example/text is left out: it names no picture by an address."
    assert last[2].startswith("Number 4 of the feed is left out: it has no address.")
    assert last[3:] == [
        "Fact-checks: 4, of which left out: 3. Pictures that the others name: 2, of which not there: 0."
    ]
    shown = json.loads(waarmerk(*taking, "--registry", folder / "known.sqlite", "--format", "json", *AT).stdout)
    assert (shown["fact_checks"], len(shown["pictures"])) == (4, 2)
    assert [(each["place"], each["why"]) for each in shown["left_out"]] == [
        (2, "not-an-address"),
        (3, "no-picture"),
        (4, "no-address"),
    ]


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


def test_what_is_known_as_an_item_stays_that_where_a_fact_check_only_shows_it(folder: Path, waarmerk: Run) -> None:
    """It got the fact-check as if that were about it, and was said never to count as a copy."""
    where = ("--registry", folder / "known.sqlite")
    waarmerk("registry", "add", folder / "images" / "flood-false.jpg", *where, *AT)
    feed = folder / "one.json"
    feed.write_text(json.dumps({**CLAIM, "itemReviewed": None}))
    taking = ("registry", "import", "--claim-review", feed, "--images", folder / "images", *where, *AT)
    for _ in range(2):
        row, *_ = json.loads(waarmerk(*taking, "--format", "json").stdout)["pictures"]
        assert (row["registry_id"], row["role"], row["what"]) == ("r1", "debunk", "shown")
    assert "r1: " in waarmerk(*taking).stdout
    (held,) = json.loads(waarmerk("registry", "list", *where, "--format", "json").stdout)
    assert (held["role"], held["fact_checks"], held["labels"]) == ("item", [], [])


def test_what_a_fact_check_showed_becomes_an_item_once_another_is_about_it(folder: Path, waarmerk: Run) -> None:
    """It stayed the fact-check's own, and all its copies with it."""
    where, picture = ("--registry", folder / "known.sqlite"), folder / "images" / "1.jpg"
    showing, about = folder / "showing.json", folder / "about.json"
    showing.write_text(json.dumps({**CLAIM, "url": "https://other.example/1", "itemReviewed": None, "image": POSTED}))
    about.write_text(json.dumps({**CLAIM, "image": None}))
    for feed in (showing, about):
        taking = ("registry", "import", "--claim-review", feed, "--image", f"{POSTED}={picture}", *where, *AT)
        assert waarmerk(*taking).returncode == 0
    (held,) = json.loads(waarmerk("registry", "list", *where, "--format", "json").stdout)
    assert (held["role"], held["fact_checks"]) == ("item", [CHECK])
    swept = waarmerk("registry", "sweep", folder / "repost.jpg", *where, "--format", "json", *AT)
    assert [(row["registry_id"], row["fact_checks"]) for row in json.loads(swept.stdout)] == [("r1", [CHECK])]
