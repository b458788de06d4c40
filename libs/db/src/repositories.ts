import type { Pool } from 'pg';
import { type Accounts, accounts } from './accounts.js';
import { type Consents, consents } from './consents.js';
import { type Erasures, erasures } from './erasures.js';
import { type Feedback, feedback } from './feedback.js';
import { type FeedbackIngestion, feedbackIngestion } from './feedback-ingestion.js';
import { type History, history } from './history.js';
import { type Incidents, incidents } from './incidents.js';
import { type Instructions, instructions } from './instruction-statistics.js';
import { type Logs, logs } from './logs.js';
import { type Shipping, shipping } from './shipping.js';
import { type Usage, usage } from './usage.js';

export interface Repositories {
  readonly accounts: Accounts;
  readonly consents: Consents;
  readonly erasures: Erasures;
  readonly feedback: Feedback;
  readonly feedbackIngestion: FeedbackIngestion;
  readonly history: History;
  readonly incidents: Incidents;
  readonly instructions: Instructions;
  readonly logs: Logs;
  readonly shipping: Shipping;
  readonly usage: Usage;
}

/** Everything that asks the database, over one pool. */
export function repositories(pool: Pool): Repositories {
  return {
    accounts: accounts(pool),
    consents: consents(pool),
    erasures: erasures(pool),
    feedback: feedback(pool),
    feedbackIngestion: feedbackIngestion(pool),
    history: history(pool),
    incidents: incidents(pool),
    instructions: instructions(pool),
    logs: logs(pool),
    shipping: shipping(pool),
    usage: usage(pool),
  };
}
