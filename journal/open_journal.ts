/**
 * A running journal: replica, certificates, API and HTTP listeners. It owns all of them and ends
 * with `close`, in the reverse order of their opening.
 */

import { enrollment, health, journal, lock, policy, stream } from "../api/mod.ts";
import type { TokenVerifier } from "../common/auth/mod.ts";
import type { ConnectRouter } from "@connectrpc/connect";
import type { Clock } from "../common/clock/mod.ts";
import type { Logger } from "../common/log/mod.ts";
import { SYSTEM_IDENTITY } from "../common/model/mod.ts";
import {
  type PeerLife,
  type RpcServer,
  serveRpc,
  type ServerTls,
} from "../common/rpc_server/mod.ts";
import {
  authenticate,
  createGatekeeper,
  LockBook,
  openTokens,
  RefusedCalls,
} from "./access/mod.ts";
import {
  createRevocations,
  createTrust,
  openAuthority,
  openJournalSvid,
  type Revocations,
  watchCertificateFiles,
} from "./certs/mod.ts";
import { Checkpointer } from "./checkpoints/mod.ts";
import type { JournalSettings } from "./config/mod.ts";
import {
  ANSWER_WITHIN_MS,
  createEnroller,
  createHolders,
  type Enroller,
} from "./enrollment/mod.ts";
import {
  createMetrics,
  type Discovery,
  discoveryOf,
  discoveryRoutes,
  type HealthFacts,
  type HttpListener,
  type Metrics,
  serveHttp,
} from "./http/mod.ts";
import type { QuorumAdmin } from "./membership/mod.ts";
import { OverlayCompressor } from "./overlay/mod.ts";
import { openEngine } from "./policy/mod.ts";
import { placeInQuorum, type QuorumPlace } from "./open_quorum.ts";
import { publishAuthority } from "./publish_authority.ts";
import { AuditRetention } from "./retention/mod.ts";
import { openReplica, type Replica } from "./replica/mod.ts";
import {
  bootConfigService,
  configService,
  enrollmentService,
  fleetService,
  freshnessInterceptor,
  healthService,
  lockService,
  policyService,
  type ServiceContext,
} from "./services/mod.ts";
import { watchQuorum } from "./watch_quorum.ts";
import type { CommandInput } from "./state/mod.ts";
import {
  createHub,
  createLiveness,
  IdentityFeed,
  type Liveness,
  TrustFeed,
  watchHeartbeats,
} from "./streams/mod.ts";

/** Version of this build. */
export const VERSION = "0.1.0";

/** Services of the API listener, as the health service names them (API-8). */
const SERVICE_NAMES = [
  journal.ConfigService,
  journal.FleetService,
  policy.PolicyService,
  lock.LockService,
  stream.BootConfigService,
  enrollment.EnrollmentService,
].map((service) => service.typeName);

/** Largest bodies of the two methods that everybody writes with (journal.md section 16). */
const MAX_ENROLL_BYTES = 64 * 1024;
const MAX_APPEND_BYTES = 4 * 1024 * 1024;

/** How long running calls may finish at shutdown. */
const SHUTDOWN_GRACE_MS = 5_000;

const NEVER = new AbortController().signal;

/** A running journal. */
export interface RunningJournal {
  readonly rpcPort: number;
  readonly httpPort: number;
  /** Resolves when the journal must not go on: another process has its place in the quorum. */
  readonly failure: Promise<Error>;
  /** Takes certificate files, the rules of tokens and the policy engine's endpoint or bundle into use anew (CFG-3). */
  reload(settings?: JournalSettings): Promise<void>;
  /** Ends streams, closes listeners, flushes the log; within 10 s (JRN-62). */
  close(): Promise<void>;
}

/** What a journal process is made of. */
export interface JournalOptions {
  readonly settings: JournalSettings;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  /** Gives the opening up, where it waits for others: whoever founds a cluster needs a majority. */
  readonly signal?: AbortSignal;
}

/**
 * Opens everything or nothing: what was opened before a failure is closed again (JRN-6).
 *
 * @throws {ConfigError} and the errors of storage, certificates and listeners, each naming what.
 */
export async function openJournal(options: JournalOptions): Promise<RunningJournal> {
  const opened = new AsyncDisposableStack();
  try {
    const running = await openAll(options, opened);
    const all = opened.move();
    return { ...running, close: () => all.disposeAsync() };
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
}

async function openAll(
  { settings, clock, log, random, signal = NEVER }: JournalOptions,
  opened: AsyncDisposableStack,
): Promise<Omit<RunningJournal, "close">> {
  const inForce = { settings };
  const discovery = () => discoveryOf(inForce.settings);
  const tokens = openTokens(settings, { clock, log: log.child("tokens") });
  opened.defer(() => tokens.close());
  const authority = await openAuthority(settings, new Date(clock.nowMs()));
  const svid = await openJournalSvid({ settings, clock, random, log: log.child("spire") });
  opened.defer(() => svid?.close());
  await Deno.mkdir(settings.dataDir, { recursive: true, mode: 0o700 });
  const metrics = createMetrics(VERSION);
  opened.defer(() => metrics.close());
  const recovered: { facts?: () => HealthFacts } = {};
  const http = openHttp(settings, metrics, () => recovered.facts?.(), discovery);
  opened.defer(() => http.close());
  const failure = Promise.withResolvers<Error>();
  const place = placeInQuorum({
    settings,
    svid,
    clock,
    random,
    log,
    onEvent: (event) => {
      const isElection = event.kind === "role-changed" && event.role === "candidate";
      if (isElection) metrics.electionStarted();
    },
    onRefused: () => metrics.denied("member"),
    onDuplicate: (reason) => failure.resolve(new Error(reason)),
    signal,
  });
  const replica = await openReplica({
    dataDir: settings.dataDir,
    clock,
    random,
    quorum: place.settings,
    onHousekeepingError: (task, error) =>
      log.warn("housekeeping failed, it is tried again", { task, error: String(error) }),
    onFailed: (error) => log.error("replica failed, writes are refused", { error: error.message }),
    onApplyDuration: metrics.wrote,
  });
  opened.defer(() => replica.close());
  const quorum = watchQuorum({ settings, replica, metrics, clock, log }, opened);
  recovered.facts = () => ({ replica: replica.status(), quorum });
  await publishAuthority({ settings, authority, replica, clock, log }, opened);
  const checkpointer = new Checkpointer({
    replica,
    ca: authority.ca,
    clock,
    onError: (error) =>
      log.warn("the log could not be signed, it is tried again", { error: String(error) }),
  });
  opened.defer(() => checkpointer.close());

  const retention = new AuditRetention({
    replica,
    leads: () => replica.status().log.role === "leader",
    clock,
    onError: (error) => log.warn("audit records past retention stay", { error: String(error) }),
  });
  opened.defer(() => retention.close());

  const hub = createHub(replica, metrics.subscriberLagged);
  opened.defer(() => hub.close());
  const liveness = openLiveness(settings, replica, clock, log.child("liveness"));
  opened.defer(() => liveness.close());
  const locks = new LockBook(replica, clock);
  opened.defer(() => locks.close());
  const policyEngine = await openEngine({
    settings,
    replica,
    clock,
    log: log.child("policy"),
    onOutcome: metrics.policyEngineAsked,
  });
  opened.defer(() => policyEngine?.close());
  recovered.facts = () => ({ replica: replica.status(), quorum, policyEngine });
  const gatekeeper = createGatekeeper(replica, {
    onDenied: metrics.denied,
    locks,
    restriction: policyEngine && {
      engine: policyEngine.engine,
      nowMs: () => clock.nowMs(),
      bindsPlatformAdmin: settings.bindsPlatformAdmin,
    },
  });
  const trust = createTrust(settings, authority, replica, clock, svid);
  const feed = new TrustFeed(() => ({
    certificatesPem: trust.bundlePem(),
    leavingPem: trust.leavingPem(),
    tokenIssuer: tokens.forNodes,
  }));
  opened.defer(() => feed.close());
  const identities = new IdentityFeed(replica);
  opened.defer(() => identities.close());
  const revocations = createRevocations(replica, clock);
  const served: { rpc?: RpcServer } = {};
  const askHere = (nodeId: string) => askForNode(nodeId, served.rpc, liveness);
  const enroller = createEnroller({
    ...settings,
    replica,
    ca: authority.ca,
    trustBundle: trust.bundlePem,
    lastSeenMs: liveness.lastSeenMs,
    holders: createHolders({ quorum: replica.quorum, askHere, clock, log }),
    clock,
    log: log.child("enrollment"),
    counts: metrics.enrollment,
  });
  opened.defer(() => enroller.close());

  const refusedCalls = new RefusedCalls({
    ...{ replica, clock, log: log.child("access") },
    onRefused: () => metrics.denied("authenticate"),
  });
  opened.defer(() => refusedCalls.close());

  const stopping = new AbortController();
  const rpc = served.rpc = await listen({
    refusedCalls,
    stopping: stopping.signal,
    settings,
    clock,
    log,
    random,
    context: { replica, gatekeeper, locks, hub, liveness, clock, log, trust: feed, identities },
    quorum,
    tokens,
    discovery,
    enroller,
    revocations,
    metrics,
    tls: settings.tlsMode === "off" ? undefined : await trust.serverTls(),
  });
  opened.defer(() => rpc.close({ graceMs: SHUTDOWN_GRACE_MS }));
  opened.defer(() => stopping.abort());
  const certificates = trust.keepFresh(rpc, log.child("tls"), () => feed.look());
  opened.defer(() => certificates.stop());
  opened.defer(revocations.follow(rpc));
  const reload = async (fresh = inForce.settings) => {
    rotatePeers(place, log);
    inForce.settings = fresh;
    tokens.reload(fresh);
    feed.look();
    await certificates.renew();
    if (fresh.policyEngine !== settings.policyEngine) {
      log.warn("restart required: policy.engine.type");
    } else await policyEngine?.reload(fresh);
  };
  opened.defer(svid?.onChange(() => void rotatePeers(place, log)) ?? (() => {}));
  const { tlsCert, tlsKey, tlsCa } = settings;
  opened.defer(watchCertificateFiles([tlsCert, tlsKey, tlsCa], clock, () => void reload()));
  return { rpcPort: rpc.port, httpPort: http.port, failure: failure.promise, reload };
}

function rotatePeers(place: QuorumPlace, log: Logger): void {
  try {
    place.rotate();
  } catch (error) {
    log.error("certificates of the Raft listener not renewed", { error: String(error) });
  }
}

/** Follows which nodes are here, and takes those out that nobody has heard of (HB-1 to HB-4). */
function openLiveness(
  settings: JournalSettings,
  replica: Replica,
  clock: Clock,
  log: Logger,
): Liveness {
  const timeoutMs = settings.heartbeatTimeoutSeconds * 1000;
  const propose = (command: CommandInput) => replica.submit(command, { actor: SYSTEM_IDENTITY });
  const stopWatch = watchHeartbeats({
    clock,
    state: replica.state,
    leads: () => replica.status().log.role === "leader",
    propose,
    timeoutMs,
    onError: (error) => log.warn("a silent node was not deactivated", { error: String(error) }),
  });
  const liveness = createLiveness({
    state: replica.state,
    clock,
    log,
    // Twice within the lock of a live node, or another member would give its identity away (9.1).
    reportEveryMs: Math.min(timeoutMs / 10, settings.activeLockSeconds * 500),
    reportLiveness: (nodes) => propose({ type: "UpdateNodeLastSeen", nodes: [...nodes] }),
    reactivate: (node_id) => propose({ type: "ActivateNode", node_id }),
  });
  return {
    ...liveness,
    close: async () => {
      await stopWatch();
      await liveness.close();
    },
  };
}

/** What the API listener is made of. */
interface ApiParts extends JournalOptions {
  readonly context: ServiceContext;
  readonly tokens: TokenVerifier;
  readonly discovery: () => Discovery | undefined;
  readonly refusedCalls: RefusedCalls;
  readonly enroller: Enroller;
  readonly revocations: Revocations;
  readonly quorum: QuorumAdmin;
  readonly metrics: Metrics;
  /** Aborts when the journal closes, so that nobody waits for what will not come. */
  readonly stopping: AbortSignal;
  /** Absent: cleartext, by explicit choice. */
  readonly tls: ServerTls | undefined;
}

async function listen(parts: ApiParts): Promise<RpcServer> {
  const { settings, clock, log, context, tokens, tls } = parts;
  const { replica, liveness } = context;
  return await serveRpc({
    name: "API",
    listen: settings.listen,
    ...(tls === undefined ? {} : { tls, clientAuth: "optional" as const }),
    clock,
    admit: authenticate({
      tokens,
      domainId: settings.domainId,
      locks: context.locks,
      certificates: {
        isRevoked: parts.revocations.isRevoked,
        isEnrolled: (nodeId) => isEnrolled(replica, nodeId),
        isEnrolledAs: (nodeId, spiffeId) =>
          replica.state.get("enrollments", nodeId)?.spiffe_id === spiffeId,
      },
      onNodeCall: liveness.seen,
      onRefused: (refusal) => parts.refusedCalls.add(refusal),
    }),
    interceptors: [freshnessInterceptor(replica, parts.stopping)],
    onInternalError: (error, call, incidentId) =>
      log.error("internal error", {
        incident: incidentId,
        method: `${call.service}/${call.method}`,
        error: error instanceof Error ? error.stack ?? error.message : String(error),
      }),
    httpRoutes: discoveryRoutes(parts.discovery),
    routes: apiRoutes(parts),
  });
}

function apiRoutes(
  { settings, context, enroller, quorum, metrics, random }: ApiParts,
): (router: ConnectRouter) => void {
  const config = configService(context);
  const enrolment = enrollmentService(context, enroller, settings);
  return (router) => {
    router.service(journal.ConfigService, config);
    router.service(journal.FleetService, fleetService(context, { quorum, version: VERSION }));
    router.service(policy.PolicyService, policyService(context));
    router.service(lock.LockService, lockService(context));
    router.service(
      stream.BootConfigService,
      bootConfigService(context, {
        compressor: new OverlayCompressor(),
        maxStreams: settings.maxBootStreams,
        metrics,
        random,
      }),
    );
    router.service(enrollment.EnrollmentService, enrolment);
    router.service(health.Health, healthService(context.replica, SERVICE_NAMES));
    // Registered again for their own limits (journal.md section 16); the last one counts.
    const { enroll } = enrollment.EnrollmentService.method;
    router.rpc(enroll, enrolment.enroll, { readMaxBytes: MAX_ENROLL_BYTES });
    const { appendEntry } = journal.ConfigService.method;
    router.rpc(appendEntry, config.appendEntry, { readMaxBytes: MAX_APPEND_BYTES });
  };
}

/** Whether a node's connections to this member answer; those that do not are ended (9.1). */
async function askForNode(
  nodeId: string,
  rpc: RpcServer | undefined,
  liveness: Liveness,
): Promise<PeerLife> {
  if (rpc === undefined) return "none";
  return await rpc.findLife(
    // Whoever names the node without the CA's word holds nothing.
    ({ certificate, authorized }) =>
      authorized && certificate?.kind === "agent" && certificate.nodeId === nodeId,
    ANSWER_WITHIN_MS,
    () => liveness.lost(nodeId),
  );
}

function isEnrolled(replica: Replica, nodeId: string): boolean {
  const record = replica.state.get("enrollments", nodeId);
  return record !== undefined && record.state !== "Revoked";
}

function openHttp(
  settings: JournalSettings,
  metrics: Metrics,
  facts: () => HealthFacts | undefined,
  discovery: () => Discovery | undefined,
): HttpListener {
  return serveHttp({
    listen: settings.metricsListen,
    facts,
    metrics,
    discovery,
    version: VERSION,
  });
}
