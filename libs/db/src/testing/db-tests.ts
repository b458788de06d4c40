import type { Pool } from 'pg';
import { afterAll, beforeAll, describe } from 'vitest';
import { createPool } from '../pool.js';
import { type Repositories, repositories } from '../repositories.js';
import { registerAccountTests } from './suites/accounts.js';
import { registerConsentTests } from './suites/consents.js';
import { registerErasureTests } from './suites/erasures.js';
import { registerFeedbackTests } from './suites/feedback.js';
import { registerGatewayNodeTests } from './suites/gateway-nodes.js';
import { registerHistoryTests } from './suites/history.js';
import { registerInstructionStatisticsTests } from './suites/instruction-statistics.js';
import { registerMigrationTests } from './suites/migrations.js';
import { registerPartitionTests } from './suites/partitions.js';
import { registerRowLevelSecurityTests } from './suites/row-level-security.js';
import { registerShippingTests } from './suites/shipping.js';
import { registerSummaryTests } from './suites/summaries.js';
import { registerUsageTests } from './suites/usage.js';

export interface TestTarget {
  readonly url: string;
  close(): Promise<void>;
}

/** What every database that we run on must do: the embedded one and a real PostgreSQL run these same tests. */
export function registerDbTests(name: string, connect: () => Promise<TestTarget>): void {
  describe(`the database on ${name}`, () => {
    let target: TestTarget;
    let pool: Pool;
    let repo: Repositories;
    const db = {
      get url() {
        return target.url;
      },
      get pool() {
        return pool;
      },
      get repo() {
        return repo;
      },
    };

    beforeAll(async () => {
      target = await connect();
      pool = createPool(target.url);
      repo = repositories(pool);
    });
    afterAll(async () => {
      await pool?.end();
      await target?.close();
    });

    // The first makes the schema that the others use.
    registerMigrationTests(db);
    registerPartitionTests(db);
    registerAccountTests(db);
    registerConsentTests(db);
    registerShippingTests(db);
    registerUsageTests(db);
    registerGatewayNodeTests(db);
    registerRowLevelSecurityTests(db);
    registerSummaryTests(db);
    registerInstructionStatisticsTests(db);
    registerErasureTests(db);
    registerHistoryTests(db);
    registerFeedbackTests(db);
  });
}
