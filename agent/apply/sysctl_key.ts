/** Why a sysctl is refused, or the path of its file below /proc/sys. */
export type SysctlPath =
  | { readonly ok: true; readonly path: string }
  | { readonly ok: false; readonly reason: string };

const MAX_KEY_LENGTH = 512;

/**
 * The file of a kernel parameter, as sysctl(8) reads names: dots and slashes change places, so that
 * `net.ipv4.conf.eth0/100.rp_filter` is about interface `eth0.100`; a name whose first separator is
 * a slash is a path already. Empty parts and `..` are refused (APL-4).
 *
 * @example
 * ```ts
 * import { sysctlPath } from "./sysctl_key.ts";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(sysctlPath("vm.swappiness"), { ok: true, path: "vm/swappiness" });
 * ```
 */
export function sysctlPath(key: string): SysctlPath {
  if (key.length > MAX_KEY_LENGTH || !/^[A-Za-z0-9_.\/:@*+-]+$/.test(key)) {
    return { ok: false, reason: "malformed kernel parameter name" };
  }
  const isPath = /^[^.\/]*\//.test(key);
  const path = isPath ? key : key.replace(/[.\/]/g, (separator) => separator === "." ? "/" : ".");
  const parts = path.split("/");
  if (parts.length < 2 || parts.some((part) => part === "" || part === "." || part === "..")) {
    return { ok: false, reason: "malformed kernel parameter name" };
  }
  return { ok: true, path };
}

/** Why a value may not be written to a kernel parameter, or undefined when it may (APL-4). */
export function whyNotWritable(key: string, value: string): string | undefined {
  if (/[\0\n]/.test(value)) return "a kernel parameter is one line";
  const found = sysctlPath(key);
  if (found.ok && found.path === "kernel/core_pattern" && value.trimStart().startsWith("|")) {
    return "kernel.core_pattern with a pipe would run a program as root";
  }
  return undefined;
}

/** A value as it is compared: the kernel separates by tabs what was written with blanks. */
export function normaliseSysctl(value: string): string {
  return value.trim().replace(/\s+/g, " ");
}
