import type { Clock } from "../../common/clock/mod.ts";
import { ServiceLog } from "./service_log.ts";

/*
 * Shell: the logs of all services, opened when they are first asked for. Ends by `close`.
 */

export class ServiceLogs {
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #logs = new Map<string, ServiceLog>();

  constructor(directory: string, clock: Clock) {
    this.#directory = directory;
    this.#clock = clock;
  }

  of(name: string): ServiceLog {
    const existing = this.#logs.get(name);
    if (existing !== undefined) return existing;
    const log = new ServiceLog({ directory: this.#directory, name, clock: this.#clock });
    this.#logs.set(name, log);
    return log;
  }

  /** The files of other services stay, as a record; only what is held in memory goes. */
  keepOnly(services: { has(name: string): boolean }): void {
    for (const [name, log] of this.#logs) {
      if (services.has(name)) continue;
      log.close();
      this.#logs.delete(name);
    }
  }

  close(): void {
    for (const log of this.#logs.values()) log.close();
  }
}
