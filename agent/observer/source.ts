import type { Actor, ObservedEvent, SourceName } from "./event.ts";

/** What a source tells its observer. */
export interface Listener {
  /** A change at this moment, made by the process of this number where that is known. */
  tell(event: Omit<ObservedEvent, "atMs">, pid?: number): void;
  /** News were dropped: whatever the source watches may have changed. */
  lost(source: SourceName): void;
  /** Who a process is; undefined for the agent itself and for one outside of this PID namespace. */
  actor(pid: number): Actor | undefined;
}

/** A running source. */
export interface Source {
  close(): void;
}
