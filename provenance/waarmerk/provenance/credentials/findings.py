# SPDX-License-Identifier: Apache-2.0
"""Every code of our own that reading credentials can give: concerns, and bars to an authentic capture.

A report needs a sentence for each of ``CODES`` in every language it speaks; a test holds the two together.
"""

# The store and what was read of it. ``about`` names the engine's error class, box, manifest or code.
UNREADABLE = "credentials.unreadable"  # a manifest store is there and cannot be read
REMOTE_ONLY = "credentials.remote-only"  # the file names an address; nothing was fetched
ENGINE_FAILED = "credentials.engine-failed"  # the engine gave up and no store can be seen either
UNSUPPORTED_CONTAINER = "credentials.unsupported-container"  # nobody reads credentials from such files
UNKNOWN_CODE = "credentials.unknown-code"  # a failure that no table knows: integrity is not checked then
UNHASHED_BYTES = "credentials.unhashed-bytes"  # bytes anyone may change without breaking the credential
EXTRA_EXCLUSIONS = "credentials.extra-exclusions"  # the signer left more out of the hash than the manifest
UNREFERENCED_MANIFEST = "credentials.unreferenced-manifest"
UNKNOWN_SOURCE_TYPE = "credentials.unknown-source-type"
UNPROVEN_CAPTURE = "credentials.unproven-capture"  # an ancestor's camera claim that its signer does not support
AI_DISCLOSURE = "credentials.ai-disclosure"  # the assertion stands beside the actions, it does not replace them
REDACTED = "credentials.redacted"
LIMIT = "credentials.limit"  # more ingredients, or deeper, than are walked

# The second engine. ``about`` names it, and what it found.
ENGINES_DISAGREE = "engines.disagree"  # on integrity; the weaker result counts
ENGINES_SILENT = "engines.silent"  # it was asked for and has no opinion on this file

# The signer and the time. ``about`` is the certificate's name as the file states it.
SIGNER_UNLISTED = "signer.unlisted"
SIGNER_EXPIRED = "signer.expired"
SIGNER_NOT_YET_VALID = "signer.not-yet-valid"  # its status is "expired" too: outside its validity
SIGNER_REVOKED = "signer.revoked"
SIGNER_DENIED = "signer.denied"  # by the denylist of the trust store; ``about`` is its reason and source
SIGNER_WRONG_PURPOSE = "signer.wrong-purpose"
SIGNER_UNVERIFIABLE = "signer.unverifiable"  # a listed signer whose own certificate could not be looked at
SIGNER_REVOCATION_UNKNOWN = "signer.revocation-unknown"
SIGNATURE_INVALID = "signer.signature-invalid"  # the certificate then proves nothing
INTERIM_LIST = "signer.interim-list"
TIME_UNTRUSTED = "time.untrusted"

# The chain of ingredients. ``about`` names the manifest and the code recorded.
CHAIN_BROKEN = "chain.broken"
CHAIN_MISSING = "chain.missing"
CHAIN_OPEN = "chain.open"
CHAIN_UNLISTED = "chain.unlisted-signer"

# The identity assertion.
IDENTITY_UNAVAILABLE = "identity.unavailable"
IDENTITY_UNVERIFIED = "identity.unverified"
IDENTITY_FAILED = "identity.failed"

# Why a capture stated here is not an authentic one. ``about`` is the action, type or manifest.
BAR_INTERIM = "capture.interim-list"
BAR_CHAIN = "capture.chain"
BAR_ANCESTOR = "capture.unproven-ancestor"
BAR_EDITED = "capture.edited"
BAR_HUMAN_EDIT = "capture.human-edit"
BAR_COMPOSITE = "capture.composite"
BAR_NO_ACTIONS = "capture.no-actions"
BAR_INCOMPLETE = "capture.incomplete-history"
BAR_UNKNOWN_ACTION = "capture.unknown-action"
BAR_GATHERED = "capture.gathered-actions"
BAR_INDIRECT = "capture.indirect"
BAR_UNHASHED = "capture.unhashed-bytes"
BAR_EXTRA_EXCLUSIONS = "capture.extra-exclusions"
BAR_AI_DISCLOSURE = "capture.ai-disclosure"

CODES = frozenset(value for name, value in tuple(globals().items()) if name.isupper() and isinstance(value, str))
