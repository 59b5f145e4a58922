import { cText, textsOf } from "./memory.ts";
import { check, ShimError } from "./shim_error.ts";
import type { Library } from "./symbols.ts";

/** uname(2). */
export interface SystemNames {
  readonly system: string;
  readonly hostname: string;
  readonly release: string;
  readonly version: string;
  readonly machine: string;
  readonly domain: string;
}

/** The ids of this process. */
export interface ProcessIds {
  readonly pid: number;
  readonly parentPid: number;
  readonly uid: number;
  readonly effectiveUid: number;
  readonly gid: number;
  readonly effectiveGid: number;
}

/** How a node goes down. */
export type RebootAction = "restart" | "power-off" | "halt";

/** The node itself. */
export interface System {
  names(): SystemNames;
  setHostname(name: string): void;
  ids(): ProcessIds;
  /** Milliseconds since boot, suspended time included; never steps (CLOCK_BOOTTIME). */
  bootTimeMs(): number;
  /** Takes the node down, services or not. Refused with EPERM unless the shim was opened for
   * production. */
  reboot(action: RebootAction): Promise<void>;
}

const REBOOT_ACTIONS: Readonly<Record<RebootAction, number>> = {
  "restart": 1,
  "power-off": 2,
  "halt": 3,
};
const REBOOT_CONFIRM = 0x70616374;
const UNAME_BYTES = 512;

/** The node, seen through one loaded shim. */
export function createSystem(library: Library, allowReboot: boolean): System {
  function names(): SystemNames {
    const buffer = new Uint8Array(UNAME_BYTES);
    const used = check(library.pact_shim_uname(buffer, buffer.byteLength), "uname");
    const [system = "", hostname = "", release = "", version = "", machine = "", domain = ""] =
      textsOf(buffer.subarray(0, used));
    return { system, hostname, release, version, machine, domain };
  }

  function ids(): ProcessIds {
    const fields = new Int32Array(6);
    check(library.pact_shim_ids(fields), "getuid");
    const [pid = 0, parentPid = 0] = fields;
    const [uid = 0, effectiveUid = 0, gid = 0, effectiveGid = 0] = new Uint32Array(
      fields.buffer,
      8,
    );
    return { pid, parentPid, uid, effectiveUid, gid, effectiveGid };
  }

  async function reboot(action: RebootAction): Promise<void> {
    if (!allowReboot) throw ShimError.of("EPERM", "reboot", action);
    const result = await library.pact_shim_reboot(REBOOT_ACTIONS[action], REBOOT_CONFIRM);
    check(result, "reboot", action);
  }

  return {
    names,
    ids,
    reboot,
    setHostname: (name) => {
      check(library.pact_shim_set_hostname(cText(name, "sethostname")), "sethostname", name);
    },
    bootTimeMs: () => check(Number(library.pact_shim_boot_time_ms()), "clock_gettime"),
  };
}
