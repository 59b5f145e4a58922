/**
 * The node's core: supervisor, convergence, executor, entries and the calls on them. It owns all of
 * these and ends by `stop`, in the order of SHD-1.
 */

import type { agentport, capability, journal } from "../../api/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { type AuditOutcome, SHUTDOWN_FLUSH_MS, systemPrincipal } from "../../contracts/mod.ts";
import { type EventPump, type Shim } from "../../ffi/mod.ts";
import { type Dimension, effectiveFromWire, type Watch } from "../apply/mod.ts";
import { type Consent, createConsent } from "../approvals/mod.ts";
import { AuditTrail } from "../audit/mod.ts";
import { type AgentCache, openOperationLog } from "../cache/mod.ts";
import {
  callHandlers,
  type CallNode,
  type CallServer,
  createCallServer,
  type NodeLocks,
  wireStatus,
} from "../calls/mod.ts";
import { capabilityReport } from "../capability/mod.ts";
import { createEntryWriter, type EntryWriter, type ReplayOutcome } from "../entries/mod.ts";
import { createExecutor, type Executor } from "../exec/mod.ts";
import { Shells } from "../shell/mod.ts";
import type { CoreFrameContent } from "../port/mod.ts";
import { createQuorumDesk, type QuorumDesk } from "../quorum/mod.ts";
import { type FormerEnds, SUPERVISION_LOOP, type SupervisorNotice } from "../supervisor/mod.ts";
import { type Convergence, createConvergence, DEFAULT_REPORT_LIMITS } from "../window/mod.ts";
import { callRecords, deniedCall } from "./call_records.ts";
import { nodeDimensions } from "./dimensions.ts";
import { documentStore } from "./documents.ts";
import { Contact } from "./contact.ts";
import {
  auditOf,
  type EventContext,
  onContactChange,
  onConvergenceEvent,
  onReplayRejected,
  onSupervisorNotice,
  principalOf,
} from "./events.ts";
import { HeldServices } from "./held_services.ts";
import { type BootStanding, NodeContracts } from "./node_contracts.ts";
import { Observation } from "./observation.ts";
import { convergencePolicy } from "./policy.ts";
import { ReconcileScan } from "./reconcile_scan.ts";
import { Reporter } from "./reporter.ts";
import { bootId } from "./backend_record.ts";
import { type InterfaceNews, NodeServices } from "./node_services.ts";
import { ServiceChanges } from "./service_changes.ts";
import { isInfrastructure, serviceControl } from "./service_control.ts";
import { nodeStatus, supervisorSummary, unavailableTexts } from "./status.ts";
import { nodeWatches } from "./watches.ts";

/** What a node is made of. */
export interface NodeOptions {
  readonly shim: Shim;
  readonly events: EventPump;
  readonly config: agentport.AgentConfig;
  readonly cache: AgentCache;
  readonly clock: Clock;
  readonly log: Logger;
  readonly send: (frame: CoreFrameContent) => void;
  /** A fresh UUID version 4. */
  readonly newUuid: () => string;
  readonly locks: NodeLocks;
  /** Where the boot stands; one that has failed lets only platform admins in (SHS-8). */
  readonly boot?: () => {
    readonly texts: readonly string[];
    readonly isFailed: boolean;
    readonly isUnderWay: boolean;
  };
  /** Called by every tick of the supervision loop that may (WDG-5, WDG-6). */
  readonly beat?: () => void;
  /** Longest time between two beats: half the watchdog's (WDG-4); absent without one. */
  readonly longestTickMs?: number;
  /** Absent where the network is somebody else's (CTX-3). */
  readonly network?: {
    readonly dimension: Dimension;
    /** What of it nobody declared. */
    readonly addresses: Watch;
    readonly interfaces: InterfaceNews;
  };
  /** How services ended while no agent was there; absent where nobody knows. */
  readonly formerEnds?: FormerEnds;
  /** Has PID 1 start another version of the agent; absent without such a PID 1. */
  readonly upgrade?: (program: string | undefined) => string;
}

/** What a service does as it starts or stops is over after so many settle times of drift (DRIFT-8). */
const SERVICE_SETTLES = 6;

/** Who does what nobody asked for. */
const AGENT = systemPrincipal("pact-agent");

/** Opens a node; what a former agent left running is adopted. */
export async function openNode(options: NodeOptions): Promise<Node> {
  const { shim, config, clock, log, events, newUuid } = options;
  const place: NodePlace = { nodeId: config.nodeId, vclusterId: config.vclusterId };
  const path = `${config.stateDir}/audit.log`;
  const audit = new AuditTrail({ path, files: shim.files, clock, log: log.child("agent.audit") });
  const holder: { node?: Node } = {};
  const services = await NodeServices.open({
    shim,
    events,
    clock,
    log,
    config,
    audit,
    newUuid,
    place: () => place,
    overlayVersion: () => holder.node?.overlayVersion ?? 0n,
    onNotice: (notice) => holder.node?.onServiceNotice(notice),
    ...(options.beat === undefined ? {} : { beat: options.beat }),
    ...(options.longestTickMs === undefined ? {} : { longestTickMs: options.longestTickMs }),
    ...(options.formerEnds === undefined ? {} : { formerEnds: options.formerEnds }),
    ...(options.network === undefined ? {} : { interfaces: options.network.interfaces }),
  });
  holder.node = new Node(options, { services, audit, place });
  return holder.node;
}

/** What a node is opened with beside its options. */
interface NodeParts {
  readonly services: NodeServices;
  readonly audit: AuditTrail;
  readonly place: NodePlace;
}

/** Where this node stands; it is assigned to a vCluster while it runs. */
interface NodePlace {
  nodeId: string;
  vclusterId: string;
}

export class Node {
  readonly supervisor: NodeServices;
  readonly #heldServices: HeldServices;
  readonly convergence: Convergence;
  readonly writer: EntryWriter;
  readonly consent: Consent;
  readonly quorum: QuorumDesk;
  readonly #executor: Executor;
  readonly #shells: Shells;
  /** Takes the frames about calls. */
  readonly calls: CallServer;
  readonly #audit: AuditTrail;
  readonly #place: NodePlace;
  #declared: agentport.DeclaredConfig | undefined;
  /** What is declared has been brought about once, as far as it can be. */
  #hasApplied = false;
  readonly #contact: Contact;
  readonly #reporter: Reporter;
  readonly #observation: Observation;
  readonly #contracts: NodeContracts;
  readonly #serviceChanges: ServiceChanges;
  readonly #scan: ReconcileScan;
  /** What the node did alone was handed in since contact was made. */
  #hasResumed = false;

  constructor(
    private readonly options: NodeOptions,
    { services, audit, place }: NodeParts,
  ) {
    const { shim, events, config, clock, log, newUuid } = options;
    this.#place = place;
    this.supervisor = services;
    this.#heldServices = new HeldServices(serviceControl(services));
    this.#contact = new Contact(clock);
    this.#reporter = new Reporter({
      clock,
      send: options.send,
      status: () => this.#status(),
      capability: () => {
        const isUnderWay = options.boot?.().isUnderWay ?? false;
        return this.#hasApplied && !isUnderWay ? this.#capability() : undefined;
      },
    });
    this.#audit = audit;
    this.consent = createConsent(options);
    this.quorum = createQuorumDesk(options);
    this.writer = createEntryWriter({
      operations: openOperationLog(shim.files, `${config.cacheDir}/operations.log`, log),
      send: (append) => options.send({ case: "append", value: append }),
      clock,
      log: log.child("agent.entries"),
      newRequestId: newUuid,
      onReplayed: (append, outcome) => this.#onReplayed(append, outcome),
    });
    audit.tellJournal({ writer: this.writer, clock, log, nodeId: () => place.nodeId });
    this.#observation = new Observation({
      ...options,
      onChange: () => this.convergence.noticeChange(),
    });
    this.#serviceChanges = new ServiceChanges({
      settleMs: config.settleMs * SERVICE_SETTLES,
      clock,
      onLast: () => this.convergence.noticeChange(),
    });
    this.convergence = this.#openConvergence();
    this.#executor = createExecutor({
      onRunningChanged: () => this.#reporter.changed(),
      shim,
      events,
      clock,
      isolation: services.isolation,
      root: config.root,
    });
    this.#shells = new Shells({
      ...{ shim, events, clock, isolation: services.isolation, settings: config },
      nodeId: () => this.#place.nodeId,
      onOpenChanged: () => this.#reporter.changed(),
    });
    this.#contracts = new NodeContracts({
      ...options,
      cachedMap: options.cache.identityMap(),
      nodeId: () => this.#place.nodeId,
      isolation: services.isolation,
      backend: () => services.backend,
      audit: (action, detail, outcome, allocationId) =>
        auditOf(this.eventContext(), action, detail, AGENT, outcome, allocationId),
      auditFirst: async (action, detail, author) => {
        const who = author === undefined ? AGENT : principalOf(author);
        auditOf(this.eventContext(), action, detail, who);
        await this.#audit.flush(SHUTDOWN_FLUSH_MS);
      },
      convergence: this.convergence,
    });
    this.calls = this.#openCalls();
    this.#scan = new ReconcileScan({
      ...options,
      scan: () => this.convergence.scan(),
      isActive: () => services.isActive,
      isSilent: () => this.#observation.isSilent,
    });
  }

  /** Puts what the agent did by itself on the node's record, and shows it in status. */
  record(action: string, detail: string, outcome: AuditOutcome = "Success"): void {
    auditOf(this.eventContext(), action, detail, AGENT, outcome);
    this.#reporter.changed();
  }

  /** The overlay whose services are declared. */
  get overlayVersion(): bigint {
    return this.#declared?.overlayVersion ?? 0n;
  }

  /** Something was done to a service, or happened to it. */
  onServiceNotice(notice: SupervisorNotice): void {
    this.#serviceChanges.note(notice);
    onSupervisorNotice(this.eventContext(), notice);
  }

  /** An emergency that covers this node was opened or closed (EMM-1). */
  takeEmergency(emergency: agentport.Emergency): Promise<void> {
    return this.#contracts.emergency.take(emergency);
  }

  /** News of the boot, for those who wait for this node. */
  setStanding(standing: BootStanding): void {
    this.#contracts.setStanding(standing);
  }

  takeIdentityMap(map: journal.UidMap): void {
    this.#contracts.takeIdentityMap(map);
  }

  /** Takes over what is declared: cached first, applied after (APL-7). */
  async takeDeclared(declared: agentport.DeclaredConfig): Promise<void> {
    this.#declared = declared;
    this.#place.vclusterId = declared.vclusterId;
    const { config, log } = this.options;
    try {
      await this.supervisor.policyKnown(declared.policy?.supervisorBackend);
      await this.#contracts.takeDeclared(declared);
      await this.convergence.setPolicy(convergencePolicy(config, declared.policy));
      const effective = effectiveFromWire(declared);
      this.#serviceChanges.declared();
      await this.convergence.setDeclared(effective);
      this.#observation.takeDeclared(effective);
    } catch (error) {
      log.error("declared configuration refused", { error: String(error) });
    }
    this.#hasApplied = true;
    this.#reporter.changed();
  }

  /** The boot has come to services: those declared are started, and from now on as they are declared. */
  async startServices(): Promise<void> {
    await this.#heldServices.release();
    this.#serviceChanges.begun();
  }

  /** Contact with the journal was made, lost, or refused. */
  async onLink(state: agentport.LinkState): Promise<void> {
    const { log, send } = this.options;
    const change = this.#contact.note(state);
    if (state.nodeId !== "") this.#place.nodeId = state.nodeId;
    this.#hasResumed = false;
    this.writer.connected(state.connected);
    if (!state.connected) this.consent.disconnected();
    if (change !== undefined) onContactChange(this.eventContext(), change, state.reason);
    if (!state.connected) return this.#reporter.connected(false);
    // What happened without contact goes in before anything newer is taken (CR1, PRT-8).
    const pending = this.writer.pendingCount;
    await this.writer.replay();
    if (pending > 0) log.info("operations replayed", { count: pending - this.writer.pendingCount });
    this.#hasResumed = true;
    send({ case: "resume", value: {} });
    if (this.#contact.isConnected) this.#reporter.connected(true);
  }

  /**
   * The node was taken out of the domain: nothing is enforced any more, and what ran for the domain
   * is stopped; infrastructure goes on (NEN-7).
   */
  async revoke(): Promise<void> {
    const { config, log } = this.options;
    log.error("this node was revoked: its services are stopped");
    this.calls.cancelAll();
    this.#heldServices.forget();
    const observing = { ...convergencePolicy(config, undefined) };
    await this.convergence.setPolicy({
      ...observing,
      window: { ...observing.window, mode: "observe" },
    });
    for (const spec of this.supervisor.specs()) {
      if (isInfrastructure(spec)) continue;
      this.supervisor.stop(spec.name, SUPERVISION_LOOP, { force: true });
    }
  }

  /** Ends calls, then services unless they are to be kept, then the records (SHD-1). */
  async stop(keepServices: boolean): Promise<readonly string[]> {
    this.#scan.close();
    this.#reporter.close();
    const observed = this.#observation.close();
    this.#serviceChanges.close();
    this.supervisor.closeLoop();
    await this.#contracts.close(keepServices);
    this.calls.close();
    await this.convergence.close();
    await this.#audit.flush(SHUTDOWN_FLUSH_MS).catch((error: unknown) =>
      this.options.log.error("audit events not written", { error: String(error) })
    );
    const left = keepServices ? [] : await this.supervisor.stopAll();
    this.supervisor.release();
    await this.writer.settled(SHUTDOWN_FLUSH_MS);
    this.writer.close();
    await this.#audit.close();
    await observed;
    return left;
  }

  /** A commit that was queued has its sequence now, or the journal refused it (PRT-8). */
  #onReplayed({ requestId }: agentport.Append, outcome: ReplayOutcome): void {
    const { log } = this.options;
    const sequence = outcome.kind === "appended" ? outcome.sequence : undefined;
    if (outcome.kind === "rejected") onReplayRejected(this.eventContext(), outcome.reason);
    this.convergence.commitReplayed(requestId, sequence).catch((error: unknown) =>
      log.error("replayed commit not taken over", { error: String(error) })
    );
    // Which emergency holds is heard with new contact, where this comes too late for that of before.
    const isLate = this.#hasResumed;
    this.#contracts.emergency.replayed(requestId, outcome).then((isTold) => {
      if (isTold && isLate) this.options.send({ case: "reconnect", value: {} });
    }).catch((error: unknown) =>
      log.error("replayed emergency not taken over", { error: String(error) })
    );
  }

  #openConvergence(): Convergence {
    const { shim, config, clock, log, network } = this.options;
    const services = this.#heldServices;
    const dimensions = nodeDimensions({ ...this.options, services, network: network?.dimension });
    return createConvergence({
      dimensions,
      clock,
      bootMs: () => shim.system.bootTimeMs(),
      bootId: bootId(shim),
      store: documentStore(shim.files, config.stateDir),
      log: log.child("agent.convergence"),
      policy: convergencePolicy(config, undefined),
      report: (event) => onConvergenceEvent(this.eventContext(), event),
      attribution: (name) => this.#observation.attribution(name),
      cause: (name) => this.#observation.cause(name),
      limits: { ...DEFAULT_REPORT_LIMITS, settleMs: config.settleMs },
      watches: nodeWatches({
        ...this.options,
        dimensions,
        observation: this.#observation,
        addresses: network?.addresses,
      }),
      isOrdinary: (name) =>
        this.#serviceChanges.areUnderWay || this.#observation.isServiceWork(name),
    });
  }

  #openCalls(): CallServer {
    const { clock, log, config, newUuid, send, locks } = this.options;
    const node: CallNode = {
      supervisor: this.supervisor,
      convergence: this.convergence,
      executor: this.#executor,
      shells: this.#shells,
      files: this.options.shim.files,
      writer: this.writer,
      consent: this.consent,
      clock,
      log: log.child("agent.calls"),
      root: config.root,
      logsDirectory: config.logDir,
      newId: newUuid,
      emergency: this.#contracts.emergency,
      standing: () => ({
        ...this.#place,
        policy: this.#declared?.policy,
        rulesApply: this.#declared?.rulesApply ?? false,
        viewerExec: config.viewerExec,
        isBootFailed: this.options.boot?.().isFailed ?? false,
      }),
      declared: () => this.#declared,
      isConnected: () => this.#contact.isConnected,
      isAlone: async () => !this.#contact.isConnected || await this.quorum.isLost(),
      status: () => this.#status(),
      capability: () => this.#capability(),
      ...callRecords(() => this.eventContext()),
      attribute: (actor) => this.#observation.note(actor),
      ...(this.options.upgrade === undefined ? {} : { upgrade: this.options.upgrade }),
    };
    return createCallServer({
      handlers: callHandlers(node),
      guard: locks.guard(() => this.#place),
      send,
      log: log.child("agent.calls"),
      onDenied: (caller, detail) => deniedCall(this.eventContext(), caller, detail),
    });
  }

  /** Where what happens to this node goes on record. */
  eventContext(): EventContext {
    const { clock, log, newUuid } = this.options;
    return {
      ...{ clock, log, newUuid, audit: this.#audit, writer: this.writer, place: () => this.#place },
      changed: () => this.#reporter.changed(),
    };
  }

  #unavailable(): string[] {
    const texts = unavailableTexts(
      [
        ...this.supervisor.unavailable,
        ...this.#executor.unavailable,
        ...this.#shells.unavailable,
      ],
      this.convergence.status(),
    );
    return [
      ...this.options.boot?.().texts ?? [],
      ...this.supervisor.pendingTexts(),
      ...this.#contact.texts(),
      ...texts,
      ...this.#observation.unavailable,
      ...this.#contracts.unavailable,
    ];
  }

  #status() {
    const { clock } = this.options;
    return nodeStatus({
      ...this.#place,
      nowMs: clock.nowMs(),
      convergence: this.convergence.status(),
      supervisor: this.supervisor.status(),
      backend: this.supervisor.backend,
      unavailable: this.#unavailable(),
      activeSessions: this.#executor.running + this.#shells.open,
    });
  }

  #capability(): capability.CapabilityReport {
    const { shim, clock, newUuid } = this.options;
    const status = this.supervisor.status();
    return capabilityReport(shim, {
      nodeId: this.#place.nodeId,
      nowMs: clock.nowMs(),
      reportId: newUuid(),
      configState: this.convergence.status().nodeState,
      supervisor: supervisorSummary(status, this.supervisor.backend),
      services: status.services.map(wireStatus),
      unavailable: this.#unavailable(),
    });
  }
}
