# SPDX-License-Identifier: Apache-2.0
"""The report in other people's forms: schema.org, DSA statement of reasons, ClaimReview draft, AT-proto label."""
