/**
 * Keeps the node in contact with a journal: enrols, connects, takes the declared configuration and
 * follows its changes, reconnects for ever. It owns the session and ends by `close`.
 */

import { ConnectError } from "@connectrpc/connect";
import type { agentport, capability, journal, lock, stream } from "../../api/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import { type ErrorCode, fromConnectError, PactError } from "../../common/errors/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { counterFromWire } from "../../common/wire/mod.ts";
import type { OverlayDocument } from "../../common/model/mod.ts";
import { BUILD_DATE_MS } from "../../common/version/mod.ts";
import { IdentityError } from "../../contracts/mod.ts";
import type { BootConfig } from "./boot_stream.ts";
import { askJournal } from "./ask_journal.ts";
import { decidesCommit } from "./commit_decided.ts";
import { declaredConfig } from "./declared_config.ts";
import { effectiveDocument } from "./effective.ts";
import { EmergencyFollower } from "./emergency.ts";
import { type Anchor, Credentials } from "./credentials.ts";
import type { Hardware } from "./enroll.ts";
import { changesDeclaration, createRefresher } from "./refresh.ts";
import { LockFollower } from "./lock_follower.ts";
import { createMapFollower, type MapFollower } from "./map_follower.ts";
import { retryDelayMs } from "./retry_delay.ts";
import type { BootstrapFiles } from "./bootstrap_identity.ts";
import { NodeSvids, type SpireOptions } from "./node_svids.ts";
import { JournalSession } from "./session.ts";
import { certificateClock } from "./certificate_clock.ts";
import { startProbe } from "./probe.ts";
import { isQuorumLost } from "./quorum_question.ts";
import { Succession } from "./succession.ts";

/** Where the contact with the journal stands. */
export interface LinkStateReport {
  readonly connected: boolean;
  readonly endpoint: string;
  /** Why not, with its stable code. */
  readonly reason: string;
  readonly code: string;
  readonly nodeId: string;
  readonly vclusterId: string;
}

/** What the link tells its owner. */
export interface LinkEvents {
  onState(state: LinkStateReport): void;
  onIdentity(identity: agentport.NodeIdentity): void;
  /** Whom this node trusts from now on, because it was given nobody to trust (CRT-10). */
  onAnchor?(certificatesPem: string): void;
  onDeclared(declared: agentport.DeclaredConfig): void;
  /** Absent: this node has no use for the map, and nobody asks for it. */
  onIdentityMap?(map: journal.UidMap): void;
  /** An emergency that covers this node was opened or closed. */
  onEmergency?(emergency: agentport.Emergency): void;
  /** A commit of this node waits for nobody any more (WIN-8). */
  onCommitDecided?(): void;
  /** Whose tokens the journal takes, as it says whenever contact is made; undefined for nobody's. */
  onTokenIssuer?(issuer: stream.TokenIssuer | undefined): void;
  /** Every lock in force, whenever one may have changed. */
  onLocks?(locks: lock.ListLocksResponse): void;
}

/** What the link works with. */
export interface LinkOptions {
  readonly endpoints: readonly string[];
  readonly anchor: Anchor;
  readonly hardware: Hardware;
  /** Identity of an earlier start of this boot. */
  readonly identity: agentport.NodeIdentity | undefined;
  /** Absent: SPIRE is not asked. */
  readonly spire?: SpireOptions | undefined;
  readonly bootstrap?: BootstrapFiles | undefined;
  /** No certificates are asked of the journal. */
  readonly isStatic?: boolean;
  readonly clock: Clock;
  /** Before it no certificate is judged (ROT-6); the day of this program where absent. */
  readonly buildDateMs?: number;
  readonly random: () => number;
  /** How long SPIRE and the journal may each take to give an identity (IDN-7). */
  readonly identityTimeoutMs?: number;
  /** Longest wait after a refused enrolment. */
  readonly enrollmentRetryMs?: number;
  /** See {@link Renewal}. */
  readonly renewBeforeMs?: number;
  readonly log: Logger;
  readonly events: LinkEvents;
}

/** The running link. */
export interface JournalLink {
  /** What was done while disconnected has been handed in; newer state may come (CR1). */
  resume(): void;
  /** @throws {PactError} UNAVAILABLE while there is no journal; the journal's refusal otherwise. */
  append(request: agentport.Append): Promise<journal.AppendEntryResponse>;
  /**
   * What authorizes an action that takes two people: the permit of the approval it names.
   *
   * @throws {PactError} APPROVAL_REQUIRED with the approval that is pending, or the refusal.
   */
  askApproval(asked: agentport.AskApproval): Promise<string>;
  /** Whether none of the journals, which are all asked, could answer for the quorum (PRT-1). */
  isQuorumLost(): Promise<boolean>;
  /** Sends the newest report when there is a journal; a failure is repeated by the next report. */
  reportState(detail: journal.NodeStateDetail): void;
  reportCapability(report: capability.CapabilityReport): void;
  /** Lets go of the connection and makes another at once: the network under it has changed (NET-8). */
  reconnect(): void;
  /** Somebody signed in here: who has no id yet is given one (IDM-4). */
  meet(subject: string): void;
  close(): void;
}

/** The most that a journal may ask a node to wait. */
const MAX_RETRY_AFTER_MS = 300_000;

/** Longest wait for the core to hand in what happened while disconnected. */
const RESUME_LIMIT_MS = 60_000;

/** Wait before the boot stream of another vCluster. */
const VCLUSTER_CHANGE_MS = 100;

/** Answers of a journal that is there and will not have this machine (NEN-7). */
const ENROLLMENT_REFUSALS: readonly ErrorCode[] = [
  "NODE_NOT_ENROLLED",
  "HARDWARE_IDENTITY_MISMATCH",
  "NODE_REVOKED",
  "ALREADY_ACTIVE",
];

/** Starts the link; it runs until `close`. */
export function startJournalLink(options: LinkOptions): JournalLink {
  const { log, buildDateMs = BUILD_DATE_MS } = options;
  const link = new Link({ ...options, clock: certificateClock(options.clock, log, buildDateMs) });
  link.run().catch((error: unknown) =>
    options.log.error("journal link ended", { error: String(error) })
  );
  return link;
}

class Link implements JournalLink {
  readonly #stop = new AbortController();
  readonly #credentials: Credentials;
  readonly #svids: NodeSvids | undefined;
  #session: JournalSession | undefined;
  #overlay: { readonly document: OverlayDocument; readonly version: number } | undefined;
  /** Sequence of the last update that came. */
  #heard: number | undefined;
  /** vCluster whose overlay that is. */
  #overlayOf = "";
  #resume: (() => void) | undefined;
  #attempt = 0;
  #lastCode: ErrorCode | undefined;
  /** The session from its opening on, before it is one that works. */
  #current: JournalSession | undefined;
  /** Ends the subscription of a connection that is of no use any more. */
  #silent: AbortController | undefined;
  #isReconnecting = false;
  /** Ends the wait for the next connection. */
  #wake: (() => void) | undefined;
  readonly #map: MapFollower | undefined;
  readonly #locks: LockFollower;
  readonly #emergencies: EmergencyFollower;

  constructor(private readonly options: LinkOptions) {
    const { log, events } = options;
    this.#svids = options.spire &&
      new NodeSvids(options.spire, { ...options, log: log.child("agent.spire") });
    this.#credentials = new Credentials({
      ...options,
      svids: this.#svids,
      onIdentity: (identity) => events.onIdentity(identity),
      onAnchor: (certificatesPem) => events.onAnchor?.(certificatesPem),
    });
    this.#emergencies = new EmergencyFollower((emergency) => events.onEmergency?.(emergency));
    this.#locks = new LockFollower(log, (locks) => events.onLocks?.(locks));
    if (events.onIdentityMap !== undefined) {
      this.#map = createMapFollower(log, (map) => events.onIdentityMap?.(map));
    }
  }

  resume(): void {
    this.#resume?.();
  }

  async append(request: agentport.Append): Promise<journal.AppendEntryResponse> {
    if (this.#session === undefined) {
      throw new PactError("UNAVAILABLE", "no journal can be reached");
    }
    try {
      return await this.#session.append(request);
    } catch (error) {
      throw error instanceof ConnectError ? fromConnectError(error) : error;
    }
  }

  async askApproval(asked: agentport.AskApproval): Promise<string> {
    return await askJournal(this.#session, asked);
  }

  async isQuorumLost(): Promise<boolean> {
    const identity = this.#session?.identity;
    // Without contact the core is told so, which is another matter.
    if (identity === undefined) return false;
    return await isQuorumLost({
      ...this.options,
      closing: this.#stop.signal,
      ask: async (endpoint, limits) => {
        // Over a connection of its own: that of the session may be let go of meanwhile.
        const session = new JournalSession(this.#credentials.address(endpoint), identity);
        try {
          await session.reachQuorum(limits);
        } finally {
          session.close();
        }
      },
    });
  }

  reportState(detail: journal.NodeStateDetail): void {
    this.#report((session) => session.reportState(detail));
  }

  reportCapability(report: capability.CapabilityReport): void {
    this.#report((session) => session.reportCapability(report));
  }

  reconnect(): void {
    this.#isReconnecting = true;
    this.#current?.close();
    this.#silent?.abort(new PactError("UNAVAILABLE", "the connection was let go of"));
    this.#wake?.();
  }

  meet(subject: string): void {
    this.#map?.meet(this.#session, subject);
  }

  close(): void {
    this.#stop.abort();
    this.#session?.close();
    this.#svids?.close();
  }

  #report(send: (session: JournalSession) => Promise<void>): void {
    if (this.#session === undefined) return;
    send(this.#session).catch((error: unknown) =>
      this.options.log.debug("report was not delivered", { error: String(error) })
    );
  }

  /** One round per connection; the endpoints take turns (SUB-8). */
  async run(): Promise<void> {
    const { endpoints } = this.options;
    // Ends when the agent stops: a node never gives up on its journal.
    for (let turn = 0; !this.#stop.signal.aborted; turn++) {
      const endpoint = endpoints[turn % endpoints.length] ?? "";
      try {
        await this.#round(endpoint);
      } catch (error) {
        await this.#disconnected(endpoint, error);
      }
    }
  }

  async #round(endpoint: string): Promise<void> {
    this.#isReconnecting = false;
    const identity = await this.#credentials.obtain(endpoint);
    const session = new JournalSession(this.#credentials.address(endpoint), identity);
    this.#current = session;
    try {
      await this.#follow(session);
    } finally {
      this.#session = undefined;
      this.#current?.close();
      this.#current = undefined;
    }
  }

  /** From connected to the end of the subscription. */
  async #follow(session: JournalSession): Promise<void> {
    // The certificate is judged by the first call, not by the handshake.
    const vclusterId = await session.assignedVCluster();
    this.#session = session;
    const handedIn = this.#waitForResume();
    this.#announce(session.address.endpoint, { connected: true, vclusterId });
    await handedIn;
    if (vclusterId !== this.#overlayOf) {
      this.#overlay = undefined;
      this.#heard = undefined;
    }
    this.#overlayOf = vclusterId;
    const boot = await session.boot(vclusterId, this.#overlay?.version ?? 0, this.#stop.signal);
    // Before what is declared: services may run as users of the map (SUP-25).
    await this.#map?.refresh(session);
    await this.#locks.refresh(session);
    this.#emergencies.refresh(boot);
    this.#take(boot);
    // Not before: a journal that answers, but with what is of no use, is to be asked less and less.
    this.#attempt = 0;
    // What happened while there was no contact is heard too.
    const next = this.#heard === undefined ? boot.nextSequence : this.#heard + 1;
    await this.#stay(session, vclusterId, Math.min(next, boot.nextSequence));
  }

  /** Follows what changes until contact is lost, under one certificate after the other (ROT-2). */
  async #stay(first: JournalSession, vclusterId: string, fromSequence: number): Promise<void> {
    const succession = new Succession({
      ...this.options,
      credentials: this.#credentials,
      svids: this.#svids,
      onNext: (next) => {
        this.#credentials.keep(next.identity);
        this.#session = this.#current = next;
      },
    }, first);
    try {
      // Ends with the contact; each round is a certificate.
      while (!this.#stop.signal.aborted) {
        const { session, takenOver } = succession.incumbent;
        try {
          const from = Math.max(fromSequence, (this.#heard ?? -1) + 1);
          // What the one before had heard of and not yet taken over is asked for again.
          const isBehind = session !== first;
          await this.#subscribe(session, succession, { vclusterId, from, takenOver, isBehind });
        } catch (error) {
          if (!takenOver.aborted) throw error;
        }
      }
    } finally {
      succession.close();
    }
  }

  async #subscribe(
    session: JournalSession,
    succession: Succession,
    { vclusterId, from, takenOver, isBehind }: {
      readonly vclusterId: string;
      readonly from: number;
      readonly takenOver: AbortSignal;
      readonly isBehind: boolean;
    },
  ): Promise<void> {
    const silent = this.#silent = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, takenOver, silent.signal]);
    const refresher = createRefresher(this.options, async () => {
      this.#take(await session.boot(vclusterId, this.#overlay?.version ?? 0, signal));
    });
    if (isBehind) refresher.due();
    const ask = async () => {
      await session.assignedVCluster();
      await this.#map?.refresh(session);
    };
    const probe = startProbe(this.options.clock, ask, (error) => silent.abort(error));
    try {
      const updates = session.updates(vclusterId, from, signal);
      for await (const { sequence, update, trust, identityMap } of updates) {
        if (identityMap !== undefined) this.#map?.heard(identityMap);
        if (trust !== undefined) {
          this.options.events.onTokenIssuer?.(trust.tokenIssuer);
          if (this.#credentials.takeTrust(trust)) succession.issuerLeaves();
        }
        if (identityMap !== undefined || trust !== undefined) continue;
        this.#heard = counterFromWire(sequence);
        this.#locks.heard(update);
        if (changesDeclaration(update)) refresher.due();
        this.#emergencies.heard({ sequence, update });
        if (decidesCommit(update)) this.options.events.onCommitDecided?.();
      }
    } catch (error) {
      throw silent.signal.aborted ? silent.signal.reason : error;
    } finally {
      probe.stop();
      refresher.close();
    }
    throw new PactError("UNAVAILABLE", "the journal ended the subscription");
  }

  /** Takes over what a boot stream brought. */
  #take(boot: BootConfig): void {
    if (boot.overlay !== undefined) {
      this.#overlay = { document: boot.overlay, version: boot.overlayVersion };
    }
    if (this.#overlay === undefined) return;
    const { document, version } = this.#overlay;
    const position = {
      overlayVersion: version,
      sequence: Math.max(boot.nextSequence - 1, 0),
      nodeDeltas: boot.deltas.map((entry) => entry.sequence),
      rulesApply: boot.rulesApply,
    };
    this.options.events.onDeclared(
      declaredConfig(effectiveDocument(document, boot.deltas), position),
    );
  }

  #waitForResume(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.options.clock.setTimer(RESUME_LIMIT_MS, resolve);
    this.#resume = () => {
      this.options.clock.clearTimer(timer);
      resolve();
    };
    return promise;
  }

  async #disconnected(endpoint: string, error: unknown): Promise<void> {
    if (this.#stop.signal.aborted) return;
    if (this.#isReconnecting) return await this.#sleep(VCLUSTER_CHANGE_MS);
    const { code, message, trailers } = describe(error);
    this.#credentials.refused(code);
    if (code === "LOCKED") this.#locks.refused(this.#credentials.nodeId, message);
    // What came between is nowhere any more: the whole configuration is taken anew (SUB-5, PRT-8).
    if (code === "SEQUENCE_COMPACTED") this.#overlay = this.#heard = undefined;
    if (code === "VCLUSTER_CHANGED") return await this.#sleep(VCLUSTER_CHANGE_MS);
    // Each kind of refusal has waits of its own, which begin anew when another one comes.
    this.#attempt = code === this.#lastCode ? this.#attempt + 1 : 1;
    this.#lastCode = code;
    const { random, enrollmentRetryMs } = this.options;
    const waitMs = Math.max(
      retryDelayMs(code, this.#attempt, random, enrollmentRetryMs),
      Math.min(Number(trailers?.["retry-after-ms"]) || 0, MAX_RETRY_AFTER_MS),
    );
    tellFailure(this.options, { code, endpoint, reason: message, retry_ms: waitMs });
    this.#announce(endpoint, { connected: false, reason: message, code });
    await this.#sleep(waitMs);
  }

  #announce(endpoint: string, state: Partial<LinkStateReport>): void {
    this.options.events.onState({
      connected: false,
      reason: "",
      code: "",
      vclusterId: "",
      ...state,
      endpoint,
      nodeId: this.#credentials.nodeId,
    });
  }

  #sleep(waitMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.options.clock.setTimer(waitMs, resolve);
    this.#wake = () => {
      this.options.clock.clearTimer(timer);
      resolve();
    };
    this.#stop.signal.addEventListener("abort", this.#wake, { once: true });
    return promise;
  }
}

/** A machine that is taken for another one is an admin's affair; one without a journal waits (NEN-7). */
function tellFailure(
  { log, hardware }: Pick<LinkOptions, "log" | "hardware">,
  facts: { readonly code: ErrorCode } & Readonly<Record<string, string | number>>,
): void {
  if (!ENROLLMENT_REFUSALS.includes(facts.code)) return log.warn("journal not reachable", facts);
  const presented = Object.entries(hardware).map(([kind, id]) => `${kind}:${id}`).join(" ");
  const level = facts.code === "HARDWARE_IDENTITY_MISMATCH" ? "error" : "warn";
  log[level](`enrollment rejected: ${facts.code}`, { ...facts, hardware: presented });
}

function describe(error: unknown): {
  readonly code: ErrorCode;
  readonly message: string;
  readonly trailers?: Readonly<Record<string, string>>;
} {
  // What the last way to an identity failed by says what to do next (NEN-7).
  if (error instanceof IdentityError && error.cause !== undefined) return describe(error.cause);
  if (error instanceof ConnectError) return fromConnectError(error);
  if (error instanceof PactError) return error;
  return { code: "INTERNAL", message: error instanceof Error ? error.message : String(error) };
}
