# SPDX-License-Identifier: Apache-2.0
"""Open marks of generators as evidence: their numbers are published, so anyone can write one into anyone's picture.

Found, such a mark is a claim and never more; not found, it says nothing, for it is easily lost and easily left out.
"""

from waarmerk.provenance.errors import LimitExceeded, UnsupportedAsset
from waarmerk.provenance.marks.published import PublishedMark, published_marks
from waarmerk.provenance.marks.search import SCHEME, Found, search
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.once import DecodedOnce
from waarmerk.provenance.model import (
    Asset,
    Assurance,
    Channel,
    ChannelState,
    Claimant,
    Evidence,
    Finding,
    MarkFinding,
    Origin,
)
from waarmerk.provenance.sources import Examination

# How often a picture that carries no such mark may be said to, over everything one search tries. As for marks under the
# operator's keys: a detection accuses somebody of having used AI.
MAX_FALSE_POSITIVE = 1e-9
# Up to here it is a suspicion: half lost in a strong JPEG, or a message too short to decide by itself (32 bits over all
# ways of reading reach 2e-8 at best). A desk that examines 3,000 pictures a day meets one by chance in a year.
MAX_FALSE_SUSPICION = 1e-6

CHANNEL = "open-marks"
CODES = frozenset({"open-marks.found", "open-marks.trace", "open-marks.search-failed"})


class OpenMarkSource:
    """Searches the pixels of a picture for marks with published constants; of an animation the first frame."""

    def __init__(
        self, limits: Limits, marks: tuple[PublishedMark, ...] | None = None, pixels: DecodedOnce | None = None
    ) -> None:
        """``marks`` are those that ship where none are given; ``pixels`` decodes for others too."""
        self._pixels = pixels or DecodedOnce(limits)
        self._marks = published_marks() if marks is None else marks

    def examine(self, asset: Asset) -> Examination:
        """The one mark that stands out, if any; what cannot be searched is unread."""
        if not asset.media_type.startswith("image/"):
            return _unread("open-marks.not-pixels")
        try:
            found = search(self._pixels(asset), self._marks)
        except (UnsupportedAsset, LimitExceeded) as error:
            return _unread("open-marks.unreadable", Finding(error.code))
        except Exception:  # the file chose these pixels: what fails on them must not lose the rest of the report
            return _unread("open-marks.unreadable", Finding("open-marks.search-failed"))
        return _unread("open-marks.too-small") if found is None else examination_of(found)


def examination_of(found: Found) -> Examination:
    """One search in the report's words: a claim, a suspicion, or nothing.

    The rules hear of a claim only (``means``); a suspicion is for people.
    """
    if found.p_value > MAX_FALSE_SUSPICION:
        evidence = Evidence(channel=CHANNEL, claimant=Claimant.MARK, assurance=Assurance.ABSENT)
        return Examination(evidence=(evidence,), channels=(Channel(name=CHANNEL, state=ChannelState.NONE),))
    is_claim = found.p_value <= MAX_FALSE_POSITIVE
    evidence = Evidence(
        channel=CHANNEL,
        claimant=Claimant.MARK,
        assurance=Assurance.DECLARED if is_claim else Assurance.INDIRECT,
        origin=Origin.AI_GENERATED,
        findings=(Finding("open-marks.found" if is_claim else "open-marks.trace", found.mark.name),),
    )
    mark = MarkFinding(
        scheme=f"{SCHEME}:{found.mark.id}",
        key_id=None,
        detected=True,
        payload=None,
        p_value=found.p_value,
        means="ai" if is_claim else None,
    )
    channel = Channel(name=CHANNEL, state=ChannelState.FOUND)
    return Examination(evidence=(evidence,), channels=(channel,), marks=(mark,))


def _unread(why: str, *findings: Finding) -> Examination:
    evidence = Evidence(channel=CHANNEL, claimant=Claimant.MARK, assurance=Assurance.UNREADABLE, findings=findings)
    channel = Channel(name=CHANNEL, state=ChannelState.UNREAD, why=why)
    return Examination(evidence=(evidence,), channels=(channel,))
