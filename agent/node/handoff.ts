import { dirname } from "node:path/posix";
import type { agentport } from "../../api/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import {
  allocationScopePath,
  type AuditOutcome,
  isAllocationId,
  namespacePin,
  type NodePaths,
  parseFlatKeyed,
  type Readiness,
} from "../../contracts/mod.ts";
import { type EventPump, isShimError, type Shim } from "../../ffi/mod.ts";
import { openModuleControl } from "../hardware/mod.ts";
import {
  type ControlFileWatcher,
  createProcessTable,
  type Isolation,
  openControlFileWatcher,
} from "../isolation/mod.ts";
import { createKernelMounts, SharedMounts } from "../mounts/mod.ts";
import {
  createNamespaceProgram,
  createPins,
  HandoffServer,
  type NamespaceProgram,
  NamespaceProvider,
  peerRefusal,
} from "../namespaces/mod.ts";
import { bootId } from "./backend_record.ts";

/*
 * Shell: what the workload manager gets on this node: namespaces and shared images, over one socket.
 * Owns socket, namespaces and mounts; ends by `close`, and allocations live on.
 */

export interface HandoffOptions {
  readonly shim: Shim;
  readonly events: EventPump;
  readonly clock: Clock;
  readonly log: Logger;
  readonly config: agentport.AgentConfig;
  readonly paths: NodePaths;
  readonly isolation: Isolation;
  /** Puts something on the record, with its allocation where it has one. */
  readonly audit: (
    action: string,
    detail: string,
    outcome: AuditOutcome,
    allocationId?: string,
  ) => void;
  /** As `audit`, and waits until it is durable. @throws {AuditSinkError} */
  readonly auditFirst: (action: string, detail: string) => Promise<void>;
  readonly isEmergency: () => boolean;
}

/** Beside the shim. */
const PROGRAM = "pact-namespaces";

/** The workload manager's side of a node. */
export class Handoff {
  readonly #server: HandoffServer;

  private constructor(
    private readonly watcher: ControlFileWatcher,
    readonly provider: NamespaceProvider,
    readonly mounts: SharedMounts,
    options: HandoffOptions,
  ) {
    const { config, shim, isolation, audit } = options;
    const isServiceOnly = !isolation.unavailable.some(({ what }) => what === "cgroup scopes");
    const rules = { files: shim.files, latticeUid: config.latticeUid, isServiceOnly };
    this.#server = new HandoffServer({
      ...options,
      path: options.paths.handoffSocket,
      refusalOf: (peer) => peerRefusal(rules, peer),
      onRefused: ({ pid, uid }, reason) => {
        audit("auth.denied", `handoff socket: ${reason} (pid ${pid}, uid ${uid})`, "Denied");
      },
      service: {
        requestNamespaces: (request) => provider.create(request),
        openDescriptors: (response) => provider.openDescriptors(response),
        endAllocation: (allocationId) => provider.end(allocationId),
        acquireMount: ({ imagePath, allocationId }) => mounts.acquireMount(imagePath, allocationId),
        releaseMount: ({ imagePath, allocationId }) =>
          mounts.releaseMount({ imagePath, mountPoint: "" }, allocationId),
        state: () => ({ allocations: provider.list(), mounts: mounts.list() }),
      },
    });
    provider.onEnded((allocationId) => this.#server.tellEnded(allocationId));
  }

  /**
   * Opens the socket; requests wait until `follow` hears that the node is ready (WLI-1). What a former
   * agent left is found again first (WLI-6).
   *
   * @throws {ShimError} where this process may not mount @throws {PathError} for a socket in use
   */
  static async open(options: HandoffOptions): Promise<Handoff> {
    const { shim, events, clock, paths, isolation, log } = options;
    const helper = `${dirname(shim.files.realPath(shim.path))}/${PROGRAM}`;
    if (shim.files.lstatIfPresent(helper) === null) throw new Error(`${helper} is missing (AGT-2)`);
    const watcher = openControlFileWatcher(shim, events);
    const program = createNamespaceProgram({ shim, events, clock, program: helper });
    const mounts = openMounts(options, program);
    const provider = new NamespaceProvider({
      ...options,
      log,
      watcher,
      isolation,
      processes: createProcessTable(shim.files, shim.processes),
      program,
      pins: createPins(shim, paths),
      mounts,
      audit: (action, allocationId, outcome, detail) =>
        options.audit(action, detail, outcome, allocationId),
    });
    await provider.restore();
    const live = provider.list().map(({ allocationId }) => allocationId);
    await mounts.reconstructState([...live, ...populatedAllocations(options)]);
    return new Handoff(watcher, provider, mounts, options);
  }

  /** How far the node is. */
  follow(readiness: Readiness): void {
    switch (readiness.name) {
      case "Ready":
        return this.#server.setGate({ name: "Open" });
      case "Failed":
        return this.#server.setGate({ name: "Failed", reason: readiness.reason });
      case "Booting":
        return this.#server.setGate({ name: "Booting", phase: readiness.phase });
    }
  }

  /** Resolves when what has begun is done; allocations live on. */
  async close(): Promise<void> {
    this.#server.close();
    await this.provider.close();
    await this.mounts.close();
    this.watcher.close();
  }
}

function openMounts(options: HandoffOptions, program: NamespaceProgram): SharedMounts {
  const { shim, config, paths, audit, auditFirst } = options;
  const mountNamespaceOf = (allocationId: string) => {
    const pin = namespacePin(paths, allocationId, "Mount");
    return shim.files.lstatIfPresent(pin) === null ? undefined : pin;
  };
  const modules = openModuleControl(shim, options.clock);
  return new SharedMounts({
    ...options,
    kernel: createKernelMounts(shim, (name) => modules.load(name)),
    imageRoots: config.imageRoots,
    holdTimeMs: config.mountHoldSeconds * 1000,
    bootMs: () => shim.system.bootTimeMs(),
    bootId: bootId(shim),
    bindInto: async (allocationId, { mountPoint }) => {
      const namespace = mountNamespaceOf(allocationId);
      if (namespace !== undefined) await program.bind(namespace, mountPoint, mountPoint);
    },
    unbindFrom: async (allocationId, { mountPoint }) => {
      const namespace = mountNamespaceOf(allocationId);
      if (namespace !== undefined) await program.unbind(namespace, mountPoint);
    },
    audit: async (action, allocationIds, detail, isFirst) => {
      const who = allocationIds.length === 0 ? detail : `${detail} for ${allocationIds.join(", ")}`;
      if (isFirst) return await auditFirst(action, who);
      audit(action, who, "Success", allocationIds.length === 1 ? allocationIds[0] : undefined);
    },
  });
}

/** Allocations without namespaces of pact's may hold images all the same (MT-6). */
function populatedAllocations({ shim, paths }: HandoffOptions): string[] {
  const slice = `${paths.cgroupRoot}/${dirname(allocationScopePath("x"))}`;
  if (shim.files.lstatIfPresent(slice) === null) return [];
  return shim.files.list(slice).flatMap(({ name }) => {
    const allocationId = /^alloc-(.*)\.scope$/.exec(name)?.[1] ?? "";
    return isAllocationId(allocationId) && isPopulated(shim, `${slice}/${name}`)
      ? [allocationId]
      : [];
  });
}

function isPopulated({ files }: Pick<Shim, "files">, scope: string): boolean {
  try {
    const text = files.readText(`${scope}/cgroup.events`, { maxBytes: 4096 });
    return parseFlatKeyed(text, "populated") === 1n;
  } catch (error) {
    if (isShimError(error)) return false;
    throw error;
  }
}
