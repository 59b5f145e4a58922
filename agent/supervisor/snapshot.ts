import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { base64Decode, base64Encode } from "@bufbuild/protobuf/wire";
import { agentport } from "../../api/mod.ts";
import {
  decodeJson,
  encodeJson,
  type JsonObject,
  JsonReader,
  type JsonValue,
} from "../../contracts/mod.ts";
import type { RunRecord } from "./service_run.ts";

/** What a new agent has to know of the services of the old one (INI-31). */
export interface SupervisorSnapshot {
  readonly services: readonly ServiceSnapshot[];
}

export interface ServiceSnapshot {
  readonly spec: agentport.ServiceSpec;
  readonly state: "up" | "down" | "failed";
  /** Why it is down or failed. */
  readonly reason: string;
  readonly onRequest: boolean;
  /** Present when `up`. */
  readonly run: RunRecord | null;
  /** Had said that it is ready, where it has to. */
  readonly ready: boolean;
  /** Wall clock, for the uptime; 0 unless `up`. */
  readonly startedAtMs: number;
  readonly restartCount: number;
  readonly series: number;
}

const VERSION = 2;
const MAX_SERVICES = 4096;

/** The text of the state file, as `decodeSnapshot` reads it (INI-31). */
export function encodeSnapshot(snapshot: SupervisorSnapshot): string {
  return encodeJson({
    version: VERSION,
    services: snapshot.services.map((service): JsonObject => ({
      spec: base64Encode(toBinary(agentport.ServiceSpecSchema, service.spec)),
      state: service.state,
      reason: service.reason,
      on_request: service.onRequest,
      run: service.run === null ? null : {
        pid: service.run.pid,
        start_ticks: service.run.startTicks,
        scope: service.run.scopeId,
      },
      ready: service.ready,
      started_at_ms: service.startedAtMs,
      restart_count: service.restartCount,
      series: service.series,
    })),
  });
}

/** @throws {Error} when it is of another version or says something impossible */
export function decodeSnapshot(text: string): SupervisorSnapshot {
  const reader = new JsonReader(decodeJson(text), "supervisor state");
  const version = reader.whole("version");
  if (version !== VERSION) throw new Error(`supervisor state has version ${version}`);
  return { services: reader.list("services", MAX_SERVICES).map(decodeService) };
}

function decodeService(value: JsonValue): ServiceSnapshot {
  const reader = new JsonReader(value, "service");
  const state = reader.variant("state", ["up", "down", "failed"] as const);
  const run = reader.value("run");
  if ((state === "up") !== (run !== null)) throw new Error(`a run does not go with state ${state}`);
  return {
    spec: fromBinary(agentport.ServiceSpecSchema, base64Decode(reader.text("spec"))),
    state,
    reason: reader.text("reason"),
    onRequest: reader.flag("on_request"),
    run: run === null ? null : decodeRun(run),
    // Agents before this field kept nothing of it; what they left had a long time to get ready.
    ready: reader.flagOrNull("ready") ?? true,
    startedAtMs: reader.whole("started_at_ms"),
    restartCount: reader.whole("restart_count"),
    series: reader.whole("series"),
  };
}

function decodeRun(value: JsonValue): RunRecord {
  const reader = new JsonReader(value, "run");
  return {
    pid: reader.whole("pid", 2 ** 22),
    startTicks: reader.counter("start_ticks"),
    scopeId: reader.text("scope"),
  };
}
