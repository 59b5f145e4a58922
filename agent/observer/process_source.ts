/**
 * Follows new processes by the proc connector, so that a change can be put down to a program that is gone
 * by the time the news of it arrive. It owns the connector and a timer and ends by `close`.
 */

import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import type { EventPump, Shim, Watch } from "../../ffi/mod.ts";
import type { ActorTable } from "./actor_table.ts";
import { STORM_MS, STORM_PER_SECOND } from "./coalesce.ts";
import { readProcessFacts } from "./process_facts.ts";
import type { Source } from "./source.ts";

/** What the source works with. */
export interface ProcessSourceOptions {
  readonly shim: Pick<Shim, "watchProcesses" | "files">;
  readonly events: EventPump;
  readonly clock: Clock;
  readonly log: Logger;
  readonly table: ActorTable;
}

/** Starts to follow processes. Throws ShimError. */
export function openProcessSource(options: ProcessSourceOptions): Source {
  const { shim, events, clock, log, table } = options;
  let watch: Watch | undefined;
  let timer: TimerHandle | undefined;
  let sinceMs = clock.monotonicMs();
  let count = 0;

  /** A storm of processes is not followed (OBS-5): those that live are looked up all the same. */
  function counted(nowMs: number): void {
    if (nowMs - sinceMs >= 1_000) [sinceMs, count] = [nowMs, 0];
    if (++count <= STORM_PER_SECOND) return;
    log.info("too many new processes to follow", { pause_s: STORM_MS / 1_000 });
    watch?.close();
    watch = undefined;
    timer = clock.setTimer(STORM_MS, () => {
      timer = undefined;
      open();
    });
  }

  function open(): void {
    watch = shim.watchProcesses(events, (news) => {
      const nowMs = clock.monotonicMs();
      if (news.kind === "fork") table.forked(news.pid, news.parentPid, nowMs);
      if (news.kind === "exec") {
        const facts = readProcessFacts(shim.files, news.pid);
        if (facts !== undefined) table.learned(news.pid, facts, nowMs);
      }
      counted(nowMs);
    });
  }

  open();
  return {
    close: () => {
      if (timer !== undefined) clock.clearTimer(timer);
      watch?.close();
    },
  };
}
