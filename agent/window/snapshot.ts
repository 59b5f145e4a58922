import {
  decodeJson,
  encodeJson,
  JsonError,
  type JsonObject,
  JsonReader,
  type JsonValue,
} from "../../contracts/mod.ts";
import type { KnownItem } from "../drift/mod.ts";
import type { ReversionHistory } from "./auto_converge.ts";
import type { LocalCommit } from "./ledger.ts";
import { deltaItemFromJson, deltaItemToJson } from "./value_json.ts";
import type { WindowFacts, WindowState } from "./window_state.ts";

const VERSION = 1;
const MAX_ENTRIES = 100_000;
const WINDOW_KINDS = [
  "Idle",
  "Open",
  "Suspended",
  "RollingBack",
  "RollbackBlocked",
  "Expired",
] as const;

/** What of the convergence outlives a restart of the agent (INI-31). */
export interface Snapshot {
  /** Moments below are of this boot. */
  readonly bootId: string;
  readonly window: WindowState;
  readonly emergency: boolean;
  readonly converged: ReadonlyMap<string, string>;
  readonly commits: readonly LocalCommit[];
  readonly items: ReadonlyMap<string, KnownItem>;
  readonly reversions: ReversionHistory;
}

/** A snapshot as one JSON document. */
export function encodeSnapshot(snapshot: Snapshot): string {
  return encodeJson({
    version: VERSION,
    boot_id: snapshot.bootId,
    window: windowToJson(snapshot.window),
    emergency: snapshot.emergency,
    converged: [...snapshot.converged],
    commits: snapshot.commits.map(commitToJson),
    items: [...snapshot.items].map(([name, { firstSeenMs, mark, attribution, cause }]) => ({
      name,
      first_seen_ms: Math.trunc(firstSeenMs),
      mark,
      actor: attribution?.actor ?? null,
      session: attribution?.session ?? null,
      cause: cause ?? null,
    })),
    reversions: [...snapshot.reversions].map(([name, times]) => ({ name, times: [...times] })),
  });
}

/** @throws JsonError for another version or impossible content. */
export function decodeSnapshot(text: string): Snapshot {
  const reader = new JsonReader(decodeJson(text), "snapshot");
  if (reader.whole("version") !== VERSION) throw new JsonError("snapshot.version", "unknown");
  return {
    bootId: reader.text("boot_id"),
    window: windowFromJson(reader.object("window")),
    emergency: reader.flag("emergency"),
    converged: new Map(reader.list("converged", MAX_ENTRIES).map(pairFromJson)),
    commits: reader.list("commits", MAX_ENTRIES).map(commitFromJson),
    items: new Map(reader.list("items", MAX_ENTRIES).map(itemFromJson)),
    reversions: new Map(reader.list("reversions", MAX_ENTRIES).map(reversionFromJson)),
  };
}

function windowToJson(state: WindowState): JsonObject {
  if (state.kind === "Idle") return { kind: "Idle" };
  const window = state.window === undefined ? {} : {
    opened_ms: state.window.openedMs,
    deadline_ms: state.window.deadlineMs,
    extended_ms: state.window.extendedMs,
  };
  const facts = { kind: state.kind, ...window };
  switch (state.kind) {
    case "Open":
      return { ...facts, next_alert_ms: state.awaiting?.nextAlertMs ?? null };
    case "Suspended":
      return {
        ...facts,
        cause: state.cause,
        since_ms: state.sinceMs,
        until_ms: state.untilMs ?? null,
      };
    case "RollbackBlocked":
      return { ...facts, blocked_by: [...state.blockedBy], retry_at_ms: state.retryAtMs };
    default:
      return facts;
  }
}

function windowFromJson(reader: JsonReader): WindowState {
  const kind = reader.variant("kind", WINDOW_KINDS);
  if (kind === "Idle") return { kind };
  if (kind === "Suspended") {
    const untilMs = reader.wholeOrNull("until_ms");
    return {
      kind,
      cause: reader.variant("cause", ["emergency", "approval"]),
      sinceMs: reader.whole("since_ms"),
      ...(reader.value("opened_ms") !== null && { window: factsFromJson(reader) }),
      ...(untilMs !== null && { untilMs }),
    };
  }
  const window = factsFromJson(reader);
  if (kind === "Open") {
    const nextAlertMs = reader.wholeOrNull("next_alert_ms");
    return nextAlertMs === null ? { kind, window } : { kind, window, awaiting: { nextAlertMs } };
  }
  if (kind === "RollbackBlocked") {
    return {
      kind,
      window,
      blockedBy: reader.texts("blocked_by", MAX_ENTRIES),
      retryAtMs: reader.whole("retry_at_ms"),
    };
  }
  return { kind, window };
}

function factsFromJson(reader: JsonReader): WindowFacts {
  return {
    openedMs: reader.whole("opened_ms"),
    deadlineMs: reader.whole("deadline_ms"),
    extendedMs: reader.whole("extended_ms"),
  };
}

function commitToJson({ id, sequence, requestId, items }: LocalCommit): JsonObject {
  return {
    id,
    sequence: sequence ?? null,
    request_id: requestId ?? null,
    items: items.map(deltaItemToJson),
  };
}

function commitFromJson(json: JsonValue): LocalCommit {
  const reader = new JsonReader(json, "commit");
  const sequence = reader.counterOrNull("sequence");
  const requestId = reader.textOrNull("request_id");
  return {
    id: reader.whole("id"),
    ...(sequence !== null && { sequence }),
    ...(requestId !== null && { requestId }),
    items: reader.list("items", MAX_ENTRIES).map(deltaItemFromJson),
  };
}

function pairFromJson(json: JsonValue): [string, string] {
  if (!Array.isArray(json)) throw new JsonError("snapshot.converged", "expected pairs");
  const [name, mark] = json;
  if (typeof name !== "string" || typeof mark !== "string") {
    throw new JsonError("snapshot.converged", "expected pairs of texts");
  }
  return [name, mark];
}

function itemFromJson(json: JsonValue): [string, KnownItem] {
  const reader = new JsonReader(json, "item");
  const actor = reader.textOrNull("actor");
  const session = reader.textOrNull("session");
  const attribution = actor === null ? undefined : { actor, ...(session !== null && { session }) };
  // A former version of the agent did not know it.
  const cause = reader.textOrNull("cause");
  return [reader.text("name"), {
    firstSeenMs: reader.whole("first_seen_ms"),
    mark: reader.text("mark"),
    ...(attribution && { attribution }),
    ...(cause !== null && { cause }),
  }];
}

function reversionFromJson(json: JsonValue): [string, readonly number[]] {
  const reader = new JsonReader(json, "reversion");
  const times = reader.list("times", 1000).map((time) => {
    if (typeof time !== "number") throw new JsonError("reversion.times", "expected numbers");
    return time;
  });
  return [reader.text("name"), times];
}
