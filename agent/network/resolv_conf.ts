import { type Files, isShimError } from "../../ffi/mod.ts";
import type { DnsSpec } from "../interfaces/mod.ts";
import { formatIp } from "../interfaces/mod.ts";

const PATH = "/etc/resolv.conf";
/** Where it lies on a node whose /etc cannot be written. */
const RUNTIME_PATH = "/run/pact/resolv.conf";

/** The text of resolv.conf(5). */
export function resolvConfText(dns: readonly DnsSpec[]): string {
  const search = [...new Set(dns.flatMap(({ search }) => search))].slice(0, 6);
  const servers = [...new Set(dns.flatMap(({ servers }) => servers.map(formatIp)))].slice(0, 3);
  const lines = [
    "# Written by pact-agent from the declared network.",
    ...(search.length === 0 ? [] : [`search ${search.join(" ")}`]),
    ...servers.map((server) => `nameserver ${server}`),
  ];
  return `${lines.join("\n")}\n`;
}

/**
 * Writes resolv.conf(5). A symlink into /run, as images with a read-only /etc have one, is followed;
 * any other is replaced. Unchanged content is not written.
 *
 * @throws {ShimError} where neither can be written.
 */
export function writeResolvConf(files: Files, dns: readonly DnsSpec[]): void {
  const text = resolvConfText(dns);
  const path = placeOf(files);
  if (contentOf(files, path) === text) return;
  files.writeAtomicSync(path, text, { mode: 0o644 });
}

function placeOf(files: Files): string {
  if (files.lstatIfPresent(PATH)?.type !== "symlink") return PATH;
  const target = files.readlink(PATH);
  return /^(\.\.)?\/run\/pact\//.test(target) ? RUNTIME_PATH : PATH;
}

function contentOf(files: Files, path: string): string | undefined {
  try {
    return files.readText(path, { maxBytes: 64 * 1024 });
  } catch (error) {
    if (isShimError(error, "ENOENT", "EFBIG", "EOPNOTSUPP")) return undefined;
    throw error;
  }
}
