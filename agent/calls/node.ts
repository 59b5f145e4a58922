import type { agentport, capability, journal } from "../../api/mod.ts";
import type { Consent } from "../approvals/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import type { Files } from "../../ffi/mod.ts";
import type { Author, EntryWriter } from "../entries/mod.ts";
import type { Executor } from "../exec/mod.ts";
import type { Shells } from "../shell/mod.ts";
import type { ServiceManager } from "../supervisor/mod.ts";
import type { Convergence } from "../window/mod.ts";
import type { NodeStanding } from "./access.ts";
import type { EmergencyPowers } from "./emergency_calls.ts";

/** The running node, as calls see it. */
export interface CallNode {
  readonly supervisor: ServiceManager;
  readonly executor: Executor;
  readonly shells: Shells;
  readonly files: Files;
  readonly convergence: Convergence;
  readonly writer: EntryWriter;
  readonly consent: Consent;
  readonly clock: Clock;
  readonly log: Logger;
  /** Prefix of every path of this node; empty outside of development. */
  readonly root: string;
  /** Where captured service output lies. */
  readonly logsDirectory: string;
  /** A fresh id for a command. */
  readonly newId: () => string;
  readonly emergency: EmergencyPowers;
  standing(): NodeStanding;
  declared(): agentport.DeclaredConfig | undefined;
  isConnected(): boolean;
  /** No journal is to be used: there is no contact, or nowhere a quorum behind it. Asks them. */
  isAlone(): Promise<boolean>;
  status(): journal.NodeStateDetail;
  capability(): capability.CapabilityReport;
  /** Has PID 1 start another version of the agent, which it says; absent without such a PID 1. */
  readonly upgrade?: (program: string | undefined) => string;
  /** Puts on record what somebody did that is no entry (NAU-1). */
  audit(action: string, author: Author, detail: string): void;
  /**
   * As {@link audit}, and resolves once that is durable: what is not on record is not done (AUD-5).
   *
   * @throws {RefusedError} PRECONDITION `audit unavailable`, RESOURCE_EXHAUSTED `local audit log full`.
   */
  auditFirst(action: string, author: Author, detail: string): Promise<void>;
  /** Who changed what a command may have changed is known from now on (DRIFT-6). */
  attribute(actor: string): void;
}
