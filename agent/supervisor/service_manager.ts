import type { agentport } from "../../api/mod.ts";
import type { Unavailable } from "../isolation/mod.ts";
import type { Actor } from "./actor.ts";
import type { SupervisorNotice } from "./notices.ts";
import type { ReadLogOptions } from "./service_log.ts";
import type { ServiceStatus, SupervisorStatus } from "./status.ts";

export interface StopOptions {
  /** Stop although others depend on it (SUP-9). */
  readonly force?: boolean;
  /** Stop what depends on it first. */
  readonly withDependents?: boolean;
}

/** Whoever runs the declared services of a node: pact's own supervisor, or systemd (CTX-2). */
export interface ServiceManager {
  /** As status shows it (SUP-10). */
  readonly backend: "Pact" | "Systemd";
  /** What this node cannot do for services, with the reasons (CTX-5). */
  readonly unavailable: readonly Unavailable[];
  /**
   * Makes `specs` the set to be run; only what differs is touched (SVC-7).
   *
   * @throws {SupervisorError} when the set is invalid; the former one goes on (SVC-1)
   */
  declare(specs: readonly agentport.ServiceSpec[], by?: Actor): void;
  /** Resolves when what was declared is under way; rejects with what kept it from that. */
  applied(): Promise<void>;
  /** What is declared. */
  specs(): readonly agentport.ServiceSpec[];
  /** @throws {SupervisorError} UNKNOWN_SERVICE, ALREADY_RUNNING, CANNOT_START, STOPPING */
  start(name: string, by: Actor): void;
  /** @throws {SupervisorError} UNKNOWN_SERVICE, DEPENDED_UPON */
  stop(name: string, by: Actor, options?: StopOptions): void;
  /** @throws {SupervisorError} UNKNOWN_SERVICE, STOPPING */
  restart(name: string, by: Actor): void;
  /** From memory, at once (SUP-10). */
  status(): SupervisorStatus;
  /** @throws {SupervisorError} UNKNOWN_SERVICE */
  statusOf(name: string): ServiceStatus;
  /**
   * Resolves when the service is in a state it can stay in, for the answer to a request, or after
   * the limit.
   *
   * @throws {SupervisorError} UNKNOWN_SERVICE
   */
  atRest(name: string, limitMs: number): Promise<ServiceStatus>;
  /**
   * Lines of captured output, `RFC3339 stream text` (LGX-4).
   *
   * @throws {SupervisorError} UNKNOWN_SERVICE
   */
  logs(name: string, options?: ReadLogOptions): AsyncIterable<string>;
  /** Whether workload runs on the node: health checks then give way (HLT-2). */
  setActive(active: boolean): void;
  /** What a tick of the supervision loop does; true when there was anything to do. */
  poll(): boolean;
  /** Returns what ends the listening. */
  onNotice(listener: (notice: SupervisorNotice) => void): () => void;
  /**
   * Stops the services that end with the agent, in reverse start order (SHD-2, SHD-3). Resolves with
   * the names of those that could not be ended.
   */
  stopAll(by?: Actor, limitMs?: number): Promise<readonly string[]>;
  /** Lets go of everything; services go on. Repeatable. */
  release(): void;
}
