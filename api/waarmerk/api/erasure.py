# SPDX-License-Identifier: Apache-2.0
"""Forget a tenant: everything that is held of it, in one transaction. The audit log goes on to verify."""

import sqlalchemy as sa

from waarmerk.api.disputes import DISPUTE
from waarmerk.api.tenants import KEY, TENANT
from waarmerk.api.webhooks import MESSAGE, TARGET
from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.jobs import audit
from waarmerk.provenance.jobs.database import Database
from waarmerk.provenance.jobs.tables import BATCH, ITEM, JOB, ONCE


def forget_tenant(database: Database, name: str) -> int:
    """Erase the tenant ``name``, its keys, webhooks, disputes, jobs with their reports, batches, and what stands
    behind its events in audit logs; how many reports are gone. Files of jobs that waited are swept within two hours.

    Raises ConfigurationError for a tenant that is unknown; StoreError.
    """
    mine = sa.select(TARGET.c.id).where(TARGET.c.tenant == name)
    batches = sa.select(BATCH.c.id).where(BATCH.c.tenant == name)
    with database.writing() as connection:
        connection.execute(sa.delete(MESSAGE).where(MESSAGE.c.target.in_(mine)))
        connection.execute(sa.delete(TARGET).where(TARGET.c.tenant == name))
        connection.execute(sa.delete(ITEM).where(ITEM.c.batch.in_(batches)))
        connection.execute(sa.delete(BATCH).where(BATCH.c.tenant == name))
        reports = connection.execute(sa.delete(JOB).where(JOB.c.tenant == name)).rowcount
        connection.execute(sa.delete(ONCE).where(ONCE.c.tenant == name))
        connection.execute(sa.delete(DISPUTE).where(DISPUTE.c.tenant == name))
        connection.execute(sa.delete(audit.RECORD).where(audit.RECORD.c.tenant == name))
        connection.execute(sa.delete(KEY).where(KEY.c.tenant == name))
        if connection.execute(sa.delete(TENANT).where(TENANT.c.name == name)).rowcount != 1:
            raise ConfigurationError("tenant.unknown", f"there is no tenant {name}")
    return int(reports)
