import type { agentport } from "../../api/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import {
  auditEvent,
  type AuditSink,
  CgroupError,
  nodePaths,
  nodeVclusterScope,
} from "../../contracts/mod.ts";
import { type EventPump, isShimError, type Shim } from "../../ffi/mod.ts";
import {
  type ControlFileWatcher,
  type Isolation,
  openControlFileWatcher,
  openIsolation,
  type Unavailable,
} from "../isolation/mod.ts";
import {
  type Actor,
  type FormerEnds,
  type InterfaceNews,
  loadStateFile,
  type NodePlace,
  type ReadLogOptions,
  type ServiceManager,
  type StopOptions,
  SUPERVISION_LOOP,
  Supervisor,
  type SupervisorNotice,
} from "../supervisor/mod.ts";
import { openWorkloadDetector } from "../workload/mod.ts";
import { isSystemdRunning, SystemdMissingError, SystemdServices } from "../systemd/mod.ts";
import { type BackendRecord, openBackendRecord } from "./backend_record.ts";
import { type Backend, backendNamed, chooseBackend, pendingText } from "./backend_choice.ts";
import { idleInspections } from "./idle_inspections.ts";
import { noServices } from "./no_services.ts";
import { endWorkload } from "./workload_end.ts";
import { openWorkloadWatch, type WorkloadWatch } from "./workload_watch.ts";

export type { InterfaceNews };

/*
 * Shell: the services of this node under the backend that this boot has (CTX-7). Owns the backend, the
 * supervision loop of pact's own, and the isolation of what the agent starts; ends by `release`.
 */

export interface NodeServicesOptions {
  readonly shim: Shim;
  readonly events: EventPump;
  readonly clock: Clock;
  readonly log: Logger;
  readonly config: agentport.AgentConfig;
  readonly place: () => NodePlace;
  readonly overlayVersion: () => bigint;
  readonly audit: AuditSink;
  readonly newUuid: () => string;
  readonly onNotice: (notice: SupervisorNotice) => void;
  readonly beat?: () => void;
  readonly longestTickMs?: number;
  readonly formerEnds?: FormerEnds;
  /** Absent where the network is somebody else's. */
  readonly interfaces?: InterfaceNews;
}

const NOT_PACTS = "services are systemd's, and pact makes no cgroups beside it";

export class NodeServices implements ServiceManager {
  readonly #options: NodeServicesOptions;
  readonly #isSystemdRunning: boolean;
  readonly #watcher: ControlFileWatcher;
  readonly #record: BackendRecord;
  readonly #listeners = new Set<(notice: SupervisorNotice) => void>();
  /** Null until the policy has said; nothing is declared before. */
  #backend: Backend | null = null;
  #isolation: Isolation;
  #current: ServiceManager;
  #loop: WorkloadWatch | null = null;
  #declared: Backend | null = null;
  #isActive = false;

  private constructor(options: NodeServicesOptions, isolation: Isolation, isSystemd: boolean) {
    this.#options = options;
    this.#isolation = isolation;
    this.#isSystemdRunning = isSystemd;
    this.#watcher = openControlFileWatcher(options.shim, options.events);
    this.#record = openBackendRecord(options.shim, options.config.stateDir);
    this.#current = noServices();
  }

  /**
   * Opens the services of a node, those of a former agent in this boot included.
   *
   * @throws {SystemdMissingError} SYD-8
   */
  static async open(options: NodeServicesOptions): Promise<NodeServices> {
    const { shim, clock, config } = options;
    const isRoot = shim.system.ids().effectiveUid === 0;
    const isSystemd = isRoot && isSystemdRunning(options, config.root);
    const sessions = await openIsolation({ shim, clock, cgroupRoot: null, reason: NOT_PACTS });
    const services = new NodeServices(options, sessions, isSystemd);
    await services.#decide();
    return services;
  }

  /** For commands and sessions; where pact has no cgroups their own sessions hold them together. */
  get isolation(): Isolation {
    const current = () => this.#isolation;
    return {
      get unavailable() {
        return current().unavailable;
      },
      open: (slice, name, limits) => current().open(slice, name, limits),
      adopt: (id, mainPid) => current().adopt(id, mainPid),
      get housekeeping() {
        return current().housekeeping;
      },
    };
  }

  get backend() {
    return this.#current.backend;
  }

  /** Workload runs here (CG-41). */
  get isActive(): boolean {
    return this.#isActive;
  }

  get unavailable(): readonly Unavailable[] {
    return this.#current.unavailable;
  }

  /** What status shows of a backend that is declared and not at work yet; empty when there is none. */
  pendingTexts(): readonly string[] {
    if (this.#backend === null) return [];
    const text = pendingText(this.#backend, this.#facts());
    return text === null ? [] : [text];
  }

  /** The policy is known: before anything is declared (ACF-3). */
  async policyKnown(supervisorBackend: string | undefined): Promise<void> {
    this.#declared = backendNamed(supervisorBackend) ?? this.#facts().configured;
    if (this.#backend === null) await this.#decide();
    for (const text of this.pendingTexts()) this.#options.log.warn(text);
  }

  declare(specs: readonly agentport.ServiceSpec[], by?: Actor): void {
    this.#current.declare(specs, by);
  }

  applied(): Promise<void> {
    return this.#current.applied();
  }

  specs(): readonly agentport.ServiceSpec[] {
    return this.#current.specs();
  }

  start(name: string, by: Actor): void {
    this.#current.start(name, by);
  }

  stop(name: string, by: Actor, options?: StopOptions): void {
    this.#current.stop(name, by, options);
  }

  restart(name: string, by: Actor): void {
    this.#current.restart(name, by);
  }

  status() {
    return this.#current.status();
  }

  statusOf(name: string) {
    return this.#current.statusOf(name);
  }

  atRest(name: string, limitMs: number) {
    return this.#current.atRest(name, limitMs);
  }

  logs(name: string, options?: ReadLogOptions): AsyncIterable<string> {
    return this.#current.logs(name, options);
  }

  setActive(active: boolean): void {
    this.#isActive = active;
    this.#current.setActive(active);
  }

  poll(): boolean {
    return this.#current.poll();
  }

  /** Listeners stay with the node, whatever its backend. */
  onNotice(listener: (notice: SupervisorNotice) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async stopAll(by?: Actor, limitMs?: number): Promise<readonly string[]> {
    const isInit = this.#backend === "pact" && this.#options.beat !== undefined;
    if (isInit) await this.#endWorkload(by ?? SUPERVISION_LOOP);
    return await this.#current.stopAll(by, limitMs);
  }

  /** Ends the supervision loop; services are still to be had. */
  closeLoop(): void {
    this.#loop?.close();
    this.#loop = null;
  }

  release(): void {
    this.closeLoop();
    this.#current.release();
    this.#watcher.close();
  }

  #facts() {
    return {
      declared: this.#declared,
      configured: backendNamed(this.#options.config.supervisorBackend) ?? "pact",
      isSystemdRunning: this.#isSystemdRunning,
    } as const;
  }

  async #decide(): Promise<void> {
    const choice = chooseBackend({ ...this.#facts(), recorded: this.#record.read() });
    if (choice.kind === "open") return;
    if (choice.kind === "impossible") throw new SystemdMissingError(choice.reason);
    this.#backend = choice.backend;
    this.#keepChoice(choice.backend);
    if (choice.backend === "systemd") {
      this.#current = this.#listenTo(this.#openSystemd());
      this.#options.log.info("services are run by systemd");
      return;
    }
    const { shim, clock, config } = this.#options;
    const { cgroupRoot } = nodePaths(config.root);
    this.#isolation = await openIsolation({ shim, clock, cgroupRoot, watcher: this.#watcher });
    this.#placeAgent();
    const supervisor = this.#openSupervisor();
    this.#current = this.#listenTo(supervisor);
    this.#adopt(supervisor);
    this.#loop = openWorkloadWatch({
      ...this.#options,
      watcher: this.#watcher,
      supervisor: this,
      onKernelOom: (kills) => this.#onKernelOom(kills),
      inspections: idleInspections({
        ...this.#options,
        isolation: this.#isolation,
        supervisor,
      }),
    });
  }

  /** OOM-3: an event of the node's record, and no drift. */
  #onKernelOom(kills: bigint): void {
    const { audit, clock, log, newUuid, place } = this.#options;
    const detail = `the kernel ended ${kills} processes outside of services and workload`;
    log.warn("out of memory", { detail });
    const { nodeId, vclusterId } = place();
    audit.emit(auditEvent({
      id: newUuid(),
      nowUsec: BigInt(Math.round(clock.nowMs())) * 1000n,
      principal: SUPERVISION_LOOP,
      action: "kernel.oom",
      scope: nodeVclusterScope(nodeId, vclusterId),
      outcome: "Failure",
      source: "PactAgent",
      detail,
    }));
  }

  /** Without room for it the next agent of this boot decides again. */
  #keepChoice(backend: Backend): void {
    try {
      this.#record.write(backend);
    } catch (error) {
      if (!isShimError(error)) throw error;
      this.#options.log.error("backend of this boot not recorded", { reason: error.message });
    }
  }

  /** SHD-4: the machine is about to end. */
  async #endWorkload(by: Actor): Promise<void> {
    const { shim, clock, config, log } = this.#options;
    const detector = openWorkloadDetector({
      files: shim.files,
      watcher: this.#watcher,
      cgroupRoot: nodePaths(config.root).cgroupRoot,
      onChange: () => {},
    });
    try {
      const isGone = await endWorkload({ services: this, look: detector.look, clock, by });
      if (!isGone) log.warn("workload left behind, the machine's end ends it");
    } finally {
      detector.close();
    }
  }

  /** ISO-1; under another init the agent's cgroup is that one's to choose. */
  #placeAgent(): void {
    const { shim, log, beat } = this.#options;
    if (beat === undefined) return;
    try {
      this.#isolation.housekeeping?.placeAgent(shim.system.ids().pid);
    } catch (error) {
      if (!(error instanceof CgroupError)) throw error;
      log.warn("the agent has no scope of its own", { reason: error.message });
    }
  }

  #listenTo<Manager extends ServiceManager>(manager: Manager): Manager {
    manager.onNotice((notice) => {
      this.#options.onNotice(notice);
      for (const listener of this.#listeners) listener(notice);
    });
    return manager;
  }

  #openSupervisor(): Supervisor {
    const { config, log } = this.#options;
    return new Supervisor({
      ...this.#options,
      isolation: this.#isolation,
      log: log.child("agent.supervisor"),
      logsDirectory: config.logDir,
      stateFile: stateFileOf(config),
      stopTimeoutSeconds: config.shutdownGraceSeconds,
      limits: {
        backoffMaxSeconds: config.restartBackoffMaxSeconds,
        resetAfterMs: config.restartResetSeconds * 1000,
        maxRestarts: config.maxRestarts,
      },
    });
  }

  #adopt(supervisor: Supervisor): void {
    const path = stateFileOf(this.#options.config);
    try {
      const former = loadStateFile(path);
      if (former !== null) supervisor.adopt(former);
    } catch (error) {
      this.#options.log.error("state of a former agent ignored", { path, error: String(error) });
    }
  }

  #openSystemd(): SystemdServices {
    const { config, log } = this.#options;
    return new SystemdServices({
      ...this.#options,
      log: log.child("agent.systemd"),
      unitDirectory: `${config.root}/run/systemd/system`,
      stopTimeoutSeconds: config.shutdownGraceSeconds,
    });
  }
}

function stateFileOf({ stateDir }: agentport.AgentConfig): string {
  return `${stateDir}/services.json`;
}
