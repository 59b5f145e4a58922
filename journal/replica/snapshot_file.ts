import { importState, type StateStore } from "../store/mod.ts";

const READ_BYTES = 1024 * 1024;

/** Longest line of an export: an overlay of 10 MiB, escaped twice. */
const LINE_MAX_CHARS = 64 * 1024 * 1024;

/** Replaces the state by the exported one in the file at `path`. */
export function restoreSnapshot(store: StateStore, path: string): void {
  using file = Deno.openSync(path, { read: true });
  importState(store, linesOf(file));
}

function* linesOf(file: Deno.FsFile): Generator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const buffer = new Uint8Array(READ_BYTES);
  let rest = "";
  for (let read = file.readSync(buffer); read !== null; read = file.readSync(buffer)) {
    rest += decoder.decode(buffer.subarray(0, read), { stream: true });
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > LINE_MAX_CHARS) throw new Error("a line of the snapshot is too long");
    yield* lines;
  }
  if (rest !== "") yield rest;
}
