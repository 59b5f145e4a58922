/**
 * Tells the journal of denied attempts on this node (NAU-1). It owns a timer and what waits to be told;
 * that is lost with `close`, while the node's own record keeps it.
 */

import { config } from "../../api/mod.ts";
import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import type { AuditPrincipal } from "../../contracts/mod.ts";
import { type Author, type EntryWriter, nodeEntry } from "../entries/mod.ts";
import { type Denial, DenialQueue, type DenialReport } from "./denial_queue.ts";

/** How often is looked whether there is contact again. */
const LOOK_AGAIN_MS = 6_000;
/** Bounds of an entry (journal.md section 2). */
const MAX_MESSAGE_CHARS = 4_096;
const MAX_ROLE_CHARS = 256;

/** What the forwarder works with. */
export interface DenialForwarderOptions {
  readonly writer: Pick<EntryWriter, "write" | "isReachable">;
  readonly clock: Clock;
  readonly log: Logger;
  readonly nodeId: () => string;
}

/** See the head of this file. */
export class DenialForwarder {
  readonly #queue: DenialQueue;
  #timer: TimerHandle | undefined;
  #isTelling = false;
  #isClosed = false;

  constructor(private readonly options: DenialForwarderOptions) {
    this.#queue = new DenialQueue(options.clock.monotonicMs());
  }

  add(denial: Denial): void {
    if (this.#isClosed) return;
    this.#queue.add(denial);
    if (this.#timer === undefined) this.#tellSoon();
  }

  close(): void {
    this.#isClosed = true;
    if (this.#timer !== undefined) this.options.clock.clearTimer(this.#timer);
  }

  #tellSoon(): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    this.#tell().catch((error: unknown) =>
      this.options.log.warn("the journal was not told of a denied attempt", {
        error: String(error),
      })
    ).finally(() => {
      this.#isTelling = false;
      this.#lookAgain();
    });
  }

  /** One after the other: what is told takes no more than one of the writer's places. */
  async #tell(): Promise<void> {
    const { writer, clock } = this.options;
    // Without contact nothing is queued: a flood must not fill what changes of the node wait in (PRT-7).
    while (writer.isReachable && !this.#isClosed) {
      const report = this.#queue.take(clock.monotonicMs());
      if (report === undefined) return;
      await writer.write({ entry: this.#entryOf(report) });
    }
  }

  #lookAgain(): void {
    const { clock, writer } = this.options;
    if (this.#isClosed || this.#queue.isEmpty || this.#timer !== undefined) return;
    const waitMs = writer.isReachable ? this.#queue.waitMs(clock.monotonicMs()) : LOOK_AGAIN_MS;
    this.#timer = clock.setTimer(waitMs, () => {
      this.#timer = undefined;
      this.#tellSoon();
    });
  }

  #entryOf(report: DenialReport): config.ConfigEntry {
    const { clock, nodeId } = this.options;
    const author = authorOf(report.principal);
    return nodeEntry(nodeId(), clock.nowMs(), author, {
      entryType: config.EntryType.SHELL_SESSION,
      policyRef: author === undefined ? "auth-denied:authenticate" : "auth-denied:authorize",
      message: textOf(report).slice(0, MAX_MESSAGE_CHARS),
    });
  }
}

/** Whoever was known by name is the author; a stranger is told of by the agent. */
function authorOf({ identity, principalType, role }: AuditPrincipal): Author | undefined {
  if (principalType === "System") return undefined;
  return { principal: identity, principalType, role: role.slice(0, MAX_ROLE_CHARS) };
}

function textOf({ detail, count, isMixed, atMs }: DenialReport): string {
  if (count === 1) return detail;
  const since = new Date(atMs).toISOString();
  const others = isMixed ? "others of many kinds" : "more like it";
  return `${detail}; ${count - 1} ${others} since ${since}`;
}
