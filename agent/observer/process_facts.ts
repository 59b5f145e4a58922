import { type Files, isShimError } from "../../ffi/mod.ts";
import type { ProcessFacts } from "./actor_table.ts";

const MAX_BYTES = 8192;
/** The login uid of a process that nobody logged in for. */
const UNSET = 0xffff_ffff;

/** What /proc shows of a process now (proc(5)); undefined once it is gone. */
export function readProcessFacts(
  files: Pick<Files, "readText" | "readlink">,
  pid: number,
): ProcessFacts | undefined {
  if (pid <= 0) return undefined;
  const status = attempt(() => files.readText(`/proc/${pid}/status`, { maxBytes: MAX_BYTES }));
  if (status === undefined) return undefined;
  const comm = field(status, "Name");
  const parentPid = Number(field(status, "PPid"));
  const uid = Number(field(status, "Uid")?.split("\t")[0]);
  if (comm === undefined || !Number.isInteger(parentPid) || !Number.isInteger(uid)) {
    return undefined;
  }
  const exe = attempt(() => files.readlink(`/proc/${pid}/exe`));
  const cgroup = cgroupOf(
    attempt(() => files.readText(`/proc/${pid}/cgroup`, { maxBytes: MAX_BYTES })),
  );
  const login = Number(
    attempt(() => files.readText(`/proc/${pid}/loginuid`, { maxBytes: 32 })) ?? UNSET,
  );
  return {
    parentPid,
    uid,
    comm,
    ...(exe !== undefined && { exe }),
    ...(cgroup !== undefined && { cgroup }),
    ...(Number.isInteger(login) && login !== UNSET && { loginUid: login }),
  };
}

function field(status: string, name: string): string | undefined {
  return new RegExp(`^${name}:\t(.*)$`, "m").exec(status)?.[1];
}

/** The path in the unified hierarchy, the line of which begins with `0::`. */
function cgroupOf(text: string | undefined): string | undefined {
  return text === undefined ? undefined : /^0::(.*)$/m.exec(text)?.[1];
}

/** A process may end between two reads, and other users' may be hidden. */
function attempt(read: () => string): string | undefined {
  try {
    return read();
  } catch (error) {
    if (isShimError(error)) return undefined;
    throw error;
  }
}
