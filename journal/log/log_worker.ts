/**
 * Worker that owns the {@link LogDatabase}, so that waiting for the disk never holds up the thread
 * that serves clients. Takes one {@link LogRequest} at a time, answers each with one
 * {@link LogResponse}; ends when it has answered `close`.
 *
 * @module
 */

import { StorageError } from "../storage/mod.ts";
import { LogDatabase } from "./log_database.ts";
import type { LogRequest, LogResponse } from "./protocol.ts";

let database: LogDatabase | undefined;
/** Set by the first append that failed: nothing may be appended behind a hole. */
let broken = false;

self.onmessage = ({ data }: MessageEvent<LogRequest>) => {
  self.postMessage(answer(data));
  if (data.kind === "close") self.close();
};

function answer(request: LogRequest): LogResponse {
  try {
    return perform(request);
  } catch (error) {
    return failure(error);
  }
}

function perform(request: LogRequest): LogResponse {
  if (request.kind === "open") {
    database = new LogDatabase(request.path);
    return { kind: "extent", extent: database.extent };
  }
  if (database === undefined) throw new Error("the log is not open");
  switch (request.kind) {
    case "append":
      append(database, request.payloads);
      break;
    case "read":
      return { kind: "records", records: database.read(request.fromIndex) };
    case "compact":
      database.compact(request.toIndex);
      break;
    case "close":
      database.close();
      break;
  }
  return { kind: "extent", extent: database.extent };
}

function append(log: LogDatabase, payloads: readonly Uint8Array[]): void {
  if (broken) throw new Error("an earlier write failed");
  broken = true;
  log.append(payloads);
  broken = false;
}

function failure(error: unknown): LogResponse {
  if (error instanceof StorageError) {
    const { kind, path, detail, position } = error;
    return { kind: "error", storage: kind, path, detail, position };
  }
  const detail = error instanceof Error ? error.message : String(error);
  return { kind: "error", storage: "io", path: "", detail, position: undefined };
}
