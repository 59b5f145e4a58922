import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { openIsolation } from "../../../../agent/isolation/mod.ts";
import {
  type ServiceStatus,
  Supervisor,
  type SupervisorNotice,
  type SupervisorOptions,
} from "../../../../agent/supervisor/mod.ts";
import { agentport } from "../../../../api/mod.ts";
import { systemClock } from "../../../../common/clock/mod.ts";
import { silentLogger } from "../../../../common/log/mod.ts";
import type { AuditEvent } from "../../../../contracts/mod.ts";
import type { EventPump, Shim } from "../../../../ffi/mod.ts";
import { openTestShim, tempDir, waitFor } from "../../../support/mod.ts";

/** A supervisor with real processes, in a directory of its own. */
export interface RealRig {
  readonly supervisor: Supervisor;
  readonly shim: Shim;
  readonly directory: string;
  readonly notices: SupervisorNotice[];
  readonly audited: AuditEvent[];
  readonly options: SupervisorOptions;
  /** Waits for the text `STATE` or `STATE (reason)` of a service. */
  reaches(name: string, text: string, timeoutMs?: number): Promise<ServiceStatus>;
}

export async function withSupervisor(
  test: (rig: RealRig) => Promise<void>,
  { cgroupRoot, ...changes }: Partial<SupervisorOptions> & { readonly cgroupRoot?: string } = {},
): Promise<void> {
  await using dir = await tempDir();
  const shim = await openTestShim();
  const events: EventPump = shim.startEvents();
  const audited: AuditEvent[] = [];
  const options: SupervisorOptions = {
    shim,
    events,
    clock: systemClock,
    isolation: await openIsolation({
      shim,
      clock: systemClock,
      cgroupRoot: cgroupRoot ?? dir.file("cgroup"),
    }),
    log: silentLogger,
    logsDirectory: dir.file("logs"),
    place: () => ({ nodeId: "node-7", vclusterId: "ml" }),
    newUuid: () => crypto.randomUUID(),
    audit: { emit: (event) => void audited.push(event), flush: () => Promise.resolve() },
    ...changes,
  };
  const supervisor = new Supervisor(options);
  const notices: SupervisorNotice[] = [];
  supervisor.onNotice((notice) => notices.push(notice));
  try {
    await test({
      supervisor,
      shim,
      directory: dir.path,
      notices,
      audited,
      options,
      reaches: (name, text, timeoutMs = 10_000) => reaches(supervisor, name, text, timeoutMs),
    });
  } finally {
    await supervisor.stopAll(undefined, 2_000);
    await events.close();
    shim.close();
  }
}

export async function reaches(
  supervisor: Supervisor,
  name: string,
  text: string,
  timeoutMs = 10_000,
): Promise<ServiceStatus> {
  let last = "";
  try {
    return await waitFor(() => {
      const status = supervisor.statusOf(name);
      last = status.reason === "" ? status.state : `${status.state} (${status.reason})`;
      return last === text ? status : undefined;
    }, { what: `${name} to be ${text}`, timeoutMs });
  } catch (error) {
    throw new Error(`${name} is ${last}, not ${text}`, { cause: error });
  }
}

/** A shell script as a service. */
export function script(
  name: string,
  text: string,
  changes: MessageInitShape<typeof agentport.ServiceSpecSchema> = {},
): agentport.ServiceSpec {
  return create(agentport.ServiceSpecSchema, {
    name,
    binary: "/bin/sh",
    args: ["-c", text],
    stopTimeoutSeconds: 5,
    ...changes,
  });
}

export function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch {
    return false;
  }
}
