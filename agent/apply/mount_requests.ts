import { type MountFlag, type MountItemValue, splitOptions } from "../drift/mod.ts";
import { type MountRequest, MS } from "../../ffi/mod.ts";

/*
 * From what a mount shall be to what the kernel is asked for (APL-4). Pure.
 */

const BITS: Readonly<Record<MountFlag, number>> = {
  nosuid: MS.noSuid,
  nodev: MS.noDev,
  noexec: MS.noExec,
  noatime: MS.noAtime,
  nodiratime: MS.noDirAtime,
  relatime: MS.relatime,
  nosymfollow: MS.noSymFollow,
  sync: MS.synchronous,
  dirsync: MS.dirSync,
  lazytime: MS.lazyTime,
};

/** File systems that a program of their own mounts, or that nothing but the source tells how to. */
const NOT_BY_KERNEL =
  /^(?:nfs4?|lustre|cifs|smb3|ceph|glusterfs|beegfs|gpfs|9p|afs|fuse|fuseblk|fuse\..*|overlay|none|)$/;
/** Names of devices that only a database of them can resolve (fstab(5)). */
const TAG = /^(?:UUID|LABEL|PARTUUID|PARTLABEL|ID)=/;
/** Shown by the kernel, and refused when it is told them. */
const SHOWN_ONLY: ReadonlySet<string> = new Set(["seclabel"]);

/** The request for a mount that is not there, or why the kernel alone cannot do it. */
export function mountRequest(
  target: string,
  { fsType, source, options, readOnly }: MountItemValue,
): { readonly request: MountRequest } | { readonly refusal: string } {
  if (NOT_BY_KERNEL.test(fsType)) {
    return { refusal: `file systems of type ${fsType || "none"} are not mounted by this version` };
  }
  if (TAG.test(source)) return { refusal: `${source}: name the device itself` };
  if (isPart(source)) return { refusal: "a part of a file system is not mounted by this version" };
  const data = splitOptions(options).data.filter((option) => !SHOWN_ONLY.has(option));
  const flags = flagsOf(options, readOnly);
  return { request: { source, target, type: fsType, flags, data: data.join(",") } };
}

/**
 * The requests that change a mount to these flags, to be tried in turn: of this mount alone first, of its
 * file system, and with it of others, after.
 */
export function remountRequests(
  target: string,
  { fsType, source, options, readOnly }: MountItemValue,
): MountRequest[] {
  const flags = MS.remount | flagsOf(options, readOnly);
  const own = { source: "none", target, type: "", flags: flags | MS.bind };
  return isPart(source) ? [own] : [own, { source, target, type: fsType, flags }];
}

function flagsOf(options: string, readOnly: boolean): number {
  const { flags } = splitOptions(options);
  const isReadOnly = readOnly || options.split(",").includes("ro");
  // The kernel takes relatime where nothing is said.
  const isStrict = !flags.has("noatime") && !flags.has("relatime");
  return [...flags].reduce((bits, flag) => bits | BITS[flag], isReadOnly ? MS.readOnly : 0) |
    (isStrict ? MS.strictAtime : 0);
}

function isPart(source: string): boolean {
  return source.endsWith("]") && source.includes("[/");
}
