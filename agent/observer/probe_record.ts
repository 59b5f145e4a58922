import type { Actor, ObservedEvent } from "./event.ts";

/** Kinds of record of pact-probe (ffi/probe/kernel/record.h). */
export const PROBE_KIND = {
  ready: 1,
  missing: 2,
  lost: 3,
  tracefs: 4,
  exec: 10,
  exit: 11,
  mount: 20,
  unmount: 21,
  hostName: 22,
  domainName: 23,
  sysctl: 24,
  moduleLoad: 25,
  moduleFree: 26,
  networkNamespace: 27,
  cgroupMake: 28,
  cgroupRemove: 29,
  cgroupAttach: 30,
} as const;

/** Every record has this size. */
export const PROBE_RECORD_BYTES = 360;
/** The uid of a process that was gone when it was looked at. */
const UNKNOWN_UID = 0xffff_ffff;
const NAME_BYTES = 16;
const MAX_PARENTS = 4;
const COMM_AT = 24;
const PARENTS_AT = 40;
const TEXT_AT = 104;

/** One thing that a probe saw, with who did it. */
export interface ProbeRecord {
  readonly kind: number;
  readonly pid: number;
  /** Absent where the process was gone when it was looked at; all that is known of it then is its number. */
  readonly uid?: number;
  /** 0: unknown. */
  readonly parentPid: number;
  /** 0: unknown. */
  readonly cgroupId: bigint;
  readonly comm: string;
  readonly parents: readonly string[];
  readonly text: string;
}

/** Reads a record of exactly {@link PROBE_RECORD_BYTES}. */
export function decodeProbeRecord(bytes: Uint8Array): ProbeRecord {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parents: string[] = [];
  for (let above = 0; above < MAX_PARENTS; above++) {
    const name = textAt(bytes, PARENTS_AT + above * NAME_BYTES, NAME_BYTES);
    if (name === "") break;
    parents.push(name);
  }
  const uid = view.getUint32(8, true);
  return {
    kind: view.getUint32(0, true),
    pid: view.getUint32(4, true),
    ...(uid !== UNKNOWN_UID && { uid }),
    parentPid: view.getUint32(12, true),
    cgroupId: view.getBigUint64(16, true),
    comm: textAt(bytes, COMM_AT, NAME_BYTES),
    parents,
    text: textAt(bytes, TEXT_AT, bytes.byteLength - TEXT_AT),
  };
}

/** Who a record is about, known as it acted; undefined where only its number is. */
export function actorOfRecord(record: ProbeRecord, cgroup: string | undefined): Actor | undefined {
  const { pid, uid, comm, parents } = record;
  if (uid === undefined) return undefined;
  return {
    pid,
    uid,
    comm,
    confidence: "certain",
    ...(parents.length > 0 && { parents }),
    ...(cgroup !== undefined && { cgroup }),
  };
}

/** The event in a record (OBS-10); undefined for what is none by itself, or names nothing. */
export function eventOfRecord(
  { kind, text }: ProbeRecord,
): Pick<ObservedEvent, "category" | "path" | "detail"> | undefined {
  switch (kind) {
    case PROBE_KIND.mount:
      return mountEvent(text, "mount asked for");
    case PROBE_KIND.unmount:
      return mountEvent(text, "unmount asked for");
    case PROBE_KIND.hostName:
      return { category: "kernel", path: "kernel.hostname", detail: "host name set" };
    case PROBE_KIND.domainName:
      return { category: "kernel", path: "kernel.domainname", detail: "domain name set" };
    case PROBE_KIND.sysctl:
      return { category: "kernel", path: sysctlKey(text), detail: "opened for writing" };
    case PROBE_KIND.moduleLoad:
      return { category: "kernel", path: `module:${text}`, detail: "module loaded" };
    case PROBE_KIND.moduleFree:
      return { category: "kernel", path: `module:${text}`, detail: "module unloaded" };
    case PROBE_KIND.networkNamespace:
      return { category: "network", path: "namespace", detail: "network namespace changed" };
    case PROBE_KIND.cgroupMake:
      return { category: "services", path: text, detail: "cgroup made by another" };
    case PROBE_KIND.cgroupRemove:
      return { category: "services", path: text, detail: "cgroup removed by another" };
    case PROBE_KIND.cgroupAttach:
      return { category: "services", path: text, detail: "process put there by another" };
    default:
      return undefined;
  }
}

/** A path from where its process stands is told by the mount table alone. */
function mountEvent(text: string, detail: string) {
  const path = text.replace(/(?<=.)\/+$/, "");
  return path.startsWith("/") ? { category: "mounts" as const, path, detail } : undefined;
}

/** As sysctl(8) writes it: dots between the parts, and a slash for a dot inside of one. */
function sysctlKey(path: string): string {
  return path.replaceAll(/[./]/g, (character) => character === "/" ? "." : "/");
}

function textAt(bytes: Uint8Array, at: number, length: number): string {
  const field = bytes.subarray(at, at + length);
  const end = field.indexOf(0);
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
}
