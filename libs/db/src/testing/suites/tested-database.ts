import type { Pool } from 'pg';
import type { Repositories } from '../../repositories.js';

/** The database under test; there once its suite's `beforeAll` ran. */
export interface TestedDatabase {
  readonly url: string;
  readonly pool: Pool;
  readonly repo: Repositories;
}
