import {
  decodeJson,
  encodeJson,
  JsonReader,
  type JsonValue,
  mountHandleFromJson,
  mountHandleToJson,
  type RecordedMount,
} from "../../contracts/mod.ts";

/** A mount as a new agent has to know it (INI-31). */
export interface MountRow extends RecordedMount {
  readonly realPath: string;
  /** Of the image file, see {@linkcode ImageFile}. */
  readonly identity: string;
}

const VERSION = 1;
/** WLI-10. */
export const MAX_IMAGES = 64;
const MAX_HOLDERS = 4096;

/** The text of the state file. @param bootId times count from that boot of the kernel */
export function encodeMounts(rows: readonly MountRow[], bootId: string): string {
  return encodeJson({
    version: VERSION,
    boot_id: bootId,
    mounts: rows.map(({ handle, holders, expiresAtMs, realPath, identity }) => ({
      ...mountHandleToJson(handle),
      holders,
      expires_at_ms: expiresAtMs === null ? null : Math.round(expiresAtMs),
      real_path: realPath,
      identity,
    })),
  });
}

/** Those of an earlier boot are gone. @throws {Error} when it is of another version or malformed */
export function decodeMounts(text: string, bootId: string): readonly MountRow[] {
  const reader = new JsonReader(decodeJson(text), "mount table");
  const version = reader.whole("version");
  if (version !== VERSION) throw new Error(`the mount table has version ${version}`);
  if (reader.text("boot_id") !== bootId) return [];
  return reader.list("mounts", MAX_IMAGES).map(decodeRow);
}

function decodeRow(value: JsonValue): MountRow {
  const reader = new JsonReader(value, "mount");
  const holders = reader.list("holders", MAX_HOLDERS).map((holder) => {
    if (typeof holder !== "string") throw new Error("a holder is no text");
    return holder;
  });
  return {
    handle: mountHandleFromJson(value),
    holders,
    expiresAtMs: reader.wholeOrNull("expires_at_ms"),
    realPath: reader.text("real_path"),
    identity: reader.text("identity"),
  };
}
