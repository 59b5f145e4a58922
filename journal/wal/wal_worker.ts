/**
 * Worker that owns the {@link Wal}, so that waiting for the disk holds up nobody else. Takes one
 * {@link WalRequest} at a time, answers each with one {@link WalResponse}; ends when it has
 * answered `close`.
 *
 * @module
 */
import { openDisk } from "../disk/mod.ts";
import { StorageError } from "../storage/mod.ts";
import { Wal } from "./wal.ts";
import type { WalRequest, WalResponse } from "./wal_protocol.ts";

let wal: Wal | undefined;

self.onmessage = ({ data }: MessageEvent<WalRequest>) => {
  self.postMessage(answer(data));
  if (data.kind === "close") self.close();
};

function answer(request: WalRequest): WalResponse {
  try {
    return perform(request);
  } catch (error) {
    return failure(error);
  }
}

function perform(request: WalRequest): WalResponse {
  if (request.kind === "open") {
    const { directory, segmentMaxBytes } = request;
    wal = Wal.open(openDisk(directory), { segmentMaxBytes });
    return { kind: "opened", recovered: wal.recovered };
  }
  if (wal === undefined) throw new Error("the log is not open");
  switch (request.kind) {
    case "write":
      return { kind: "written", bases: wal.writeAll(request.writes, request.sync) };
    case "compact":
      wal.compactTo(request.id);
      return { kind: "done" };
    case "close":
      wal.close();
      return { kind: "done" };
  }
}

function failure(error: unknown): WalResponse {
  if (error instanceof StorageError) {
    const { kind, path, detail, position } = error;
    return { kind: "error", storage: kind, path, detail, position };
  }
  const detail = error instanceof Error ? error.message : String(error);
  return { kind: "error", storage: "io", path: "log", detail, position: undefined };
}
