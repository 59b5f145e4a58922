import { randomBytes } from "node:crypto";
import type { StateDelta } from "../../common/model/mod.ts";

/** What the overlay of a benchmark is made of, in bytes of its document. */
const TEXT_BYTES = 70_000;
const KEY_BYTES = 130_000;
const FILE_BYTES = 10_000;

const SERVICES = 12;

/**
 * A declaration whose overlay has about 200 KB: half of it configuration text, which compresses well,
 * half of it keys and certificates, which hardly do. Compressed it has about 100 KB.
 */
export function declaration(): StateDelta {
  return {
    kernel: Array.from({ length: 40 }, (_, at) => ({
      action: "Add",
      key: `net.ipv4.bench_${at}`,
      value: String(at * 4096),
    })),
    files: [
      ...files("/etc/bench/conf.d", TEXT_BYTES, configurationText),
      ...files("/etc/bench/keys", KEY_BYTES, (bytes) => randomBytes(bytes)),
    ],
    services: Array.from({ length: SERVICES }, (_, at) => ({
      action: "Add",
      key: `service-${at}`,
      value: {
        name: `service-${at}`,
        binary: `/usr/sbin/service-${at}`,
        args: ["--foreground", "--config", `/etc/bench/conf.d/${at}`],
        order: at,
      },
    })),
  };
}

/** Files whose contents have `documentBytes` altogether once they stand in the document as base64. */
function files(
  directory: string,
  documentBytes: number,
  content: (bytes: number) => Uint8Array,
): NonNullable<StateDelta["files"]> {
  return Array.from({ length: documentBytes / FILE_BYTES }, (_, at) => ({
    action: "Add",
    key: `${directory}/${at}`,
    value: { content_b64: content(FILE_BYTES * 3 / 4).toBase64(), mode: 0o644, owner: "root" },
  }));
}

/** Lines as configuration files have them, each a little different. */
function configurationText(bytes: number): Uint8Array {
  const lines: string[] = [];
  for (let at = 0; lines.length * 40 < bytes; at++) {
    lines.push(`NodeName=cn${String(at).padStart(5, "0")} CPUs=${64 + at % 3} State=UNKNOWN\n`);
  }
  return new TextEncoder().encode(lines.join("")).subarray(0, bytes);
}
