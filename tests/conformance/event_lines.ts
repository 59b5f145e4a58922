import type { RaftEvent } from "../../journal/raft/mod.ts";
import { describeConfiguration } from "./describe.ts";
import type { LogLevel, Output } from "./output.ts";

const LEVELS: Partial<Record<RaftEvent["kind"], LogLevel>> = {
  "append-refused": "DEBUG",
  "peer-retreated": "DEBUG",
  "snapshot-sent": "DEBUG",
  "campaign-refused": "WARN",
  "quorum-lost": "WARN",
  "forget-leader-refused": "ERROR",
};

/** Writes one line about what happened inside member `id`. */
export function logEvent(output: Output, id: number, event: RaftEvent): void {
  const { kind, ...facts } = event;
  const text = "configuration" in facts
    ? describeConfiguration(facts.configuration)
    : Object.entries(facts).map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(" ");
  output.log(LEVELS[kind] ?? "INFO", `${id} ${kind} ${text}`.trimEnd());
}
