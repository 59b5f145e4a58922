import { type Files, isShimError } from "../../ffi/mod.ts";
import type { IpBytes } from "../interfaces/mod.ts";

const TABLES = ["tcp", "udp", "tcp6", "udp6", "raw", "raw6"];
const MAX_TABLE_BYTES = 64 * 2 ** 20;
/** TIME_WAIT: nobody holds such a connection any more. */
const OVER = "06";

/** How many sockets of the node are bound to an address (RBK-3). Throws ShimError. */
export function socketsOn(files: Pick<Files, "readText">, address: IpBytes): number {
  const wanted = procAddress(address);
  return TABLES.reduce((count, table) => count + countIn(textOf(files, table), wanted), 0);
}

/**
 * An address as /proc/net writes it: words of four bytes, each in the order of this processor.
 *
 * ```ts
 * import { procAddress } from "./address_users.ts";
 *
 * if (procAddress(Uint8Array.of(10, 0, 0, 5)) !== "0500000A") throw new Error();
 * ```
 */
export function procAddress(address: IpBytes): string {
  const bytes = Array.from(address, (byte) => byte.toString(16).padStart(2, "0").toUpperCase());
  const words: string[] = [];
  for (let at = 0; at < bytes.length; at += 4) {
    words.push(bytes.slice(at, at + 4).reverse().join(""));
  }
  return words.join("");
}

function countIn(table: string, wanted: string): number {
  return table.split("\n").filter((line) => {
    const [, local = "", , state] = line.trim().split(/\s+/);
    const at = local.lastIndexOf(":");
    const address = local.slice(0, at);
    // A socket for both families shows an IPv4 address inside of IPv6.
    const isWanted = address === wanted || address === `0000000000000000FFFF0000${wanted}`;
    return isWanted && state !== OVER;
  }).length;
}

function textOf(files: Pick<Files, "readText">, table: string): string {
  try {
    return files.readText(`/proc/net/${table}`, { maxBytes: MAX_TABLE_BYTES });
  } catch (error) {
    // A kernel without IPv6 has no such table.
    if (isShimError(error, "ENOENT")) return "";
    throw error;
  }
}
