import type { agentport, journal } from "../../api/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import {
  agentDirectories,
  type AuditOutcome,
  formatTimestamp,
  MountError,
  type NodePaths,
  nodePaths,
  parseReadyMarker,
  PathError,
  type Readiness,
} from "../../contracts/mod.ts";
import type { EventPump, Shim } from "../../ffi/mod.ts";
import { type IdentityMap, isNetworkFileSystem, openIdentityMap } from "../identity/mod.ts";
import type { Isolation } from "../isolation/mod.ts";
import type { CoreFrameContent } from "../port/mod.ts";
import { Gate } from "../readiness/mod.ts";
import type { Author } from "../entries/mod.ts";
import type { Convergence } from "../window/mod.ts";
import { documentStore } from "./documents.ts";
import { NodeEmergency } from "./emergency.ts";
import { Handoff } from "./handoff.ts";

/*
 * Shell: what this node shares with others on it, by the contracts of contracts.md. Owns the identity
 * map, the readiness gate and the handoff; ends by `close`.
 */

export interface NodeContractsOptions {
  readonly shim: Shim;
  readonly events: EventPump;
  readonly clock: Clock;
  readonly log: Logger;
  readonly config: agentport.AgentConfig;
  readonly send: (frame: CoreFrameContent) => void;
  /** The map this node knew last. */
  readonly cachedMap: journal.UidMap | undefined;
  readonly nodeId: () => string;
  readonly isolation: Isolation;
  /** What runs this node's services, once that is decided. */
  readonly backend: () => "Pact" | "Systemd";
  readonly audit: (
    action: string,
    detail: string,
    outcome: AuditOutcome,
    allocationId?: string,
  ) => void;
  /** As `audit`, and waits until it is durable; somebody's where an author is given. */
  readonly auditFirst: (action: string, detail: string, author?: Author) => Promise<void>;
  readonly convergence: Pick<Convergence, "startEmergency" | "endEmergency">;
}

/** How far a boot is. */
export type BootStanding = Exclude<Readiness, { name: "Ready" }> | { readonly name: "Ready" };

/** How long services wait for the handoff to open: an image may lie on a server that is away. */
const OPEN_LIMIT_MS = 5_000;
const MAX_MARKER_BYTES = 4_096;

/** The node's side of the contracts. */
export class NodeContracts {
  /** What an open emergency allows here. */
  readonly emergency: NodeEmergency;
  readonly #paths: NodePaths;
  readonly #identity: IdentityMap;
  readonly #gate: Gate | undefined;
  readonly #unavailable: string[] = [];
  #handoff: Promise<Handoff | undefined> | undefined;
  #declared: agentport.DeclaredConfig | undefined;
  #isClosed = false;

  /** @throws {PathError} for a socket that another agent listens on */
  constructor(private readonly options: NodeContractsOptions) {
    const { shim, clock, log, config, cachedMap, audit } = options;
    this.#paths = nodePaths(config.root);
    this.emergency = new NodeEmergency({
      ...options,
      store: documentStore(shim.files, config.stateDir),
      forceUnmount: (image) => this.#forceUnmount(image),
    });
    this.#identity = openIdentityMap({
      files: shim.files,
      paths: this.#paths,
      mode: mappingModeOf(config.identityMapping),
      clock,
      log: log.child("agent.identity"),
      declaresNetworkMount: () =>
        this.#declared?.mounts.some(({ fsType }) => isNetworkFileSystem(fsType)) ?? false,
      isLeftToOthers: () => options.backend() === "Systemd",
      onActive: () => options.send({ case: "mappingInForce", value: {} }),
      onUpdated: (reason) => audit("identity.map_updated", reason, "Success"),
    });
    if (cachedMap !== undefined) this.#identity.take(cachedMap);
    this.#gate = this.#openGate();
  }

  /** What this node cannot offer, and why (CTX-5). */
  get unavailable(): readonly string[] {
    return this.#unavailable;
  }

  /**
   * What is declared is known, and with it who runs the services: the handoff opens, before a service
   * asks for it (WLI-1). Resolves when it is open, or takes too long to be waited for.
   */
  async takeDeclared(declared: agentport.DeclaredConfig): Promise<void> {
    this.#declared = declared;
    this.#identity.take(undefined);
    if (this.#handoff !== undefined) return;
    const { clock } = this.options;
    const late = Promise.withResolvers<void>();
    const timer = clock.setTimer(OPEN_LIMIT_MS, late.resolve);
    this.#handoff = this.#openHandoff();
    await Promise.race([this.#handoff, late.promise]);
    clock.clearTimer(timer);
  }

  takeIdentityMap(map: journal.UidMap): void {
    this.#identity.take(map);
  }

  /** News of the boot. */
  setStanding(standing: BootStanding): void {
    const { clock, nodeId } = this.options;
    this.#gate?.set(
      standing.name === "Ready"
        ? { ...standing, nodeId: nodeId(), since: formatTimestamp(BigInt(clock.nowMs()) * 1000n) }
        : standing,
    );
  }

  /** Nothing is taken in any more, and nobody is to think this node ready (SHD-1, RDY-2). */
  async close(keepsServices: boolean): Promise<void> {
    this.#isClosed = true;
    const handoff = await this.#handoff;
    await handoff?.close();
    this.#gate?.close(keepsServices);
    this.#identity.close();
  }

  /** Emergency only (WLI-7). @throws {MountError} */
  async #forceUnmount(image: string): Promise<void> {
    const handoff = await this.#handoff;
    if (handoff === undefined) {
      throw new MountError({ kind: "Io", cause: "no images on this node" });
    }
    await handoff.mounts.forceUnmount(image);
  }

  #openGate(): Gate | undefined {
    const initial = { name: "Booting", phase: "InitHardware", attempt: 1 } as const;
    try {
      return new Gate({
        ...this.options,
        log: this.options.log.child("agent.readiness"),
        paths: this.#paths,
        initial,
        keepsMarker: this.#isMarkerOfThisBoot(),
      });
    } catch (error) {
      // A second agent must not take the first one's place (PATH-22).
      if (error instanceof PathError && error.kind === "InUse") throw error;
      this.#cannot("readiness gate", error);
      return undefined;
    }
  }

  /** A marker is left by an agent that did not stop in order: its services run on (RDY-4). */
  #isMarkerOfThisBoot(): boolean {
    const { shim, clock } = this.options;
    if (shim.files.lstatIfPresent(this.#paths.readyMarker) === null) return false;
    const how = { maxBytes: MAX_MARKER_BYTES, followSymlink: false };
    const marker = parseReadyMarker(shim.files.readText(this.#paths.readyMarker, how));
    const bootedAtMs = clock.nowMs() - shim.system.bootTimeMs();
    return marker !== null && Date.parse(marker.since) >= bootedAtMs;
  }

  async #openHandoff(): Promise<Handoff | undefined> {
    const { shim, config, backend, log } = this.options;
    if (!config.handoffEnabled || backend() === "Systemd") return undefined;
    try {
      const isRootless = config.profile === "rootless" || shim.system.ids().effectiveUid !== 0;
      if (isRootless) throw new Error("not in profile rootless");
      this.#makeDirectories();
      const handoff = await Handoff.open({
        ...this.options,
        log: log.child("agent.handoff"),
        paths: this.#paths,
        isEmergency: () => this.emergency.session() !== undefined,
      });
      if (this.#isClosed) return handoff;
      this.#gate?.follow((readiness) => handoff.follow(readiness));
      return handoff;
    } catch (error) {
      this.#cannot("namespace handoff", error);
      return undefined;
    }
  }

  /** PATH-21. */
  #makeDirectories(): void {
    const { files } = this.options.shim;
    for (const { path, mode } of agentDirectories(this.#paths)) {
      const present = files.lstatIfPresent(path);
      if (present === null) files.mkdir(path, mode);
      else if (present.type !== "directory" || (present.mode & 0o002) !== 0) {
        throw new PathError({ kind: "UnsafePath", path });
      }
    }
  }

  /** What this node lacks is shown, and the rest goes on. */
  #cannot(what: string, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.#unavailable.push(`${what}: ${reason}`);
    this.options.log.warn(`${what}: unavailable`, { reason });
  }
}

function mappingModeOf(mode: string): "auto" | "on" | "off" {
  return mode === "on" || mode === "off" ? mode : "auto";
}
