import { type CallOptions, createClient } from "@connectrpc/connect";
import {
  type agentport,
  type capability,
  enrollment,
  health,
  journal,
  lock,
  policy,
  stream,
} from "../../api/mod.ts";
import { callHeaders, createRpcTransport, type RpcTransport } from "../../common/rpc/mod.ts";
import { pactPartOf, type SpiffeId } from "../../common/certificate/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import { SecretPem } from "../../common/secret/mod.ts";
import { spiffeServers } from "../../common/spiffe/mod.ts";
import { VERSION } from "../../common/version/mod.ts";
import { present } from "../../common/wire/mod.ts";
import { type BootConfig, readBootStream } from "./boot_stream.ts";

/** How long one append or report may take. */
const CALL_TIMEOUT_MS = 10_000;

/** How to reach one journal. */
export interface JournalAddress {
  readonly endpoint: string;
  /** Trust anchor before enrolment, as PEM. */
  readonly caPem: string;
  /** SPIFFE trust domains whose journals are known by their SPIFFE IDs, as PEM. */
  readonly trustDomains?: ReadonlyMap<string, string>;
  /** The time by which those are judged. */
  readonly clock: Pick<Clock, "nowMs">;
}

/** Who calls a journal: a certificate chain with its key. */
export interface Presented {
  readonly certPem: string;
  readonly keyPem: SecretPem;
}

/** A transport to a journal, which it recognises by its host's name or by its SPIFFE ID. */
export function journalTransport(
  { endpoint, caPem, trustDomains, clock }: JournalAddress,
  presented?: Presented,
): RpcTransport {
  const servers = trustDomains === undefined || trustDomains.size === 0
    ? { caPem }
    : spiffeServers({ caPem, trustDomains, accepts: isJournal }, clock);
  return createRpcTransport({
    endpoint,
    ...servers,
    ...presented,
    clientName: `pact-agent/${VERSION}`,
  });
}

function isJournal(id: SpiffeId): boolean {
  return pactPartOf(id)?.kind === "journal";
}

/**
 * A connection that has answered under this identity.
 *
 * @throws {ConnectError} when it was refused or did not answer; then it is closed.
 */
export async function openChecked(
  address: JournalAddress,
  identity: agentport.NodeIdentity,
): Promise<JournalSession> {
  const session = new JournalSession(address, identity);
  try {
    await session.check();
    return session;
  } catch (error) {
    session.close();
    throw error;
  }
}

/** A connection under the node's own certificate. It owns the transport and ends by `close`. */
export class JournalSession {
  readonly #transport: RpcTransport;
  readonly #config;
  readonly #fleet;
  readonly #locks;
  readonly #boot;
  readonly #enrollment;
  readonly #policy;

  constructor(readonly address: JournalAddress, readonly identity: agentport.NodeIdentity) {
    this.#transport = journalTransport(
      { ...address, caPem: `${address.caPem.trimEnd()}\n${identity.trustBundlePem}` },
      { certPem: identity.certPem, keyPem: new SecretPem(identity.keyPem) },
    );
    this.#config = createClient(journal.ConfigService, this.#transport);
    this.#fleet = createClient(journal.FleetService, this.#transport);
    this.#locks = createClient(lock.LockService, this.#transport);
    this.#boot = createClient(stream.BootConfigService, this.#transport);
    this.#enrollment = createClient(enrollment.EnrollmentService, this.#transport);
    this.#policy = createClient(policy.PolicyService, this.#transport);
  }

  get transport(): RpcTransport {
    return this.#transport;
  }

  /**
   * Whether calls under this identity are answered: the server is well, and takes the certificate.
   *
   * @throws {ConnectError} when not.
   */
  async check(): Promise<void> {
    await createClient(health.Health, this.#transport).check({}, { timeoutMs: CALL_TIMEOUT_MS });
    await this.assignedVCluster();
  }

  /**
   * The vCluster this node is assigned to, "" for none.
   *
   * @throws {ConnectError} when the journal cannot be reached or refuses the certificate.
   */
  async assignedVCluster(): Promise<string> {
    const { nodeId } = this.identity;
    const answer = await this.#enrollment.inspectNode({ nodeId }, { timeoutMs: CALL_TIMEOUT_MS });
    return answer.vclusterId;
  }

  /**
   * Has the journal answer for its quorum: a member that cannot reach the others has local answers only.
   *
   * @throws {ConnectError} NO_QUORUM or NO_LEADER where it cannot; as {@link assignedVCluster} besides.
   */
  async reachQuorum(limits: Required<Pick<CallOptions, "timeoutMs" | "signal">>): Promise<void> {
    const { nodeId } = this.identity;
    const headers = callHeaders({ consistency: "linearizable" });
    await this.#enrollment.inspectNode({ nodeId }, { ...limits, headers });
  }

  /** The declared configuration; without its overlay when `knownVersion` is the newest (BOOT-5). */
  async boot(vclusterId: string, knownVersion: number, signal: AbortSignal): Promise<BootConfig> {
    const request = {
      nodeId: this.identity.nodeId,
      vclusterId,
      ...(knownVersion === 0 ? {} : { lastKnownVersion: BigInt(knownVersion) }),
    };
    return await readBootStream(this.#boot.streamBootConfig(request, { signal }));
  }

  /** Updates from `fromSequence` on, until the stream breaks or `signal` aborts. */
  updates(
    vclusterId: string,
    fromSequence: number,
    signal: AbortSignal,
  ): AsyncIterable<stream.ConfigUpdate> {
    const { nodeId } = this.identity;
    const request = { nodeId, vclusterId, fromSequence: BigInt(fromSequence) };
    return this.#boot.subscribeConfigUpdates(request, { signal });
  }

  async append(
    append: agentport.Append,
  ): Promise<journal.AppendEntryResponse> {
    const { entry, requestId, expectedHead, authorSubject, approvalId } = append;
    const { endEmergency, force } = append;
    const request = {
      ...present("entry", entry),
      ...present("expectedHead", expectedHead),
      authorSubject,
      endEmergency,
      force,
    };
    return await this.#config.appendEntry(request, {
      headers: callHeaders({ requestId, ...(approvalId === "" ? {} : { approvalId }) }),
      timeoutMs: CALL_TIMEOUT_MS,
    });
  }

  /** Has the journal decide on what somebody wants here, and open an approval where it needs one. */
  async evaluate(asked: agentport.AskApproval): Promise<policy.PolicyEvalResponse> {
    const { author, authorSubject, action, command, args, harmless, requestId } = asked;
    return await this.#policy.evaluate({
      ...present("author", author),
      authorSubject,
      action,
      command,
      args,
      harmless,
      scope: { scope: { case: "nodeId", value: this.identity.nodeId } },
      createApproval: true,
    }, { headers: callHeaders({ requestId }), timeoutMs: CALL_TIMEOUT_MS });
  }

  /** Uses the permit of an approval. */
  async redeem(asked: agentport.AskApproval): Promise<policy.RedeemPermitResponse> {
    const { author, authorSubject, approvalId, action, command, args, requestId } = asked;
    return await this.#policy.redeemPermit({
      approvalId,
      ...present("requester", author),
      requesterSubject: authorSubject,
      action,
      command,
      args,
    }, { headers: callHeaders({ requestId }), timeoutMs: CALL_TIMEOUT_MS });
  }

  async reportState(detail: journal.NodeStateDetail): Promise<void> {
    const { nodeId } = this.identity;
    await this.#fleet.reportNodeState({ ...detail, nodeId }, { timeoutMs: CALL_TIMEOUT_MS });
  }

  async reportCapability(report: capability.CapabilityReport): Promise<void> {
    const { nodeId } = this.identity;
    await this.#fleet.reportCapability({ ...report, nodeId }, { timeoutMs: CALL_TIMEOUT_MS });
  }

  /** The identity map; its entries are left out when `knownVersion` is the newest (IDM-5). */
  async uidMap(knownVersion: bigint | undefined): Promise<journal.UidMap> {
    return await this.#fleet.getUidMap({}, {
      headers: callHeaders({ ...present("knownVersion", knownVersion) }),
      timeoutMs: CALL_TIMEOUT_MS,
    });
  }

  /** Every lock in force. @throws {ConnectError} Unimplemented by a journal that knows of none */
  async locks(): Promise<lock.ListLocksResponse> {
    return await this.#locks.listLocks({}, { timeoutMs: CALL_TIMEOUT_MS });
  }

  /** An id for who signed in on this node. @throws {ConnectError} where ids are given beforehand */
  async assignUid(subject: string, username: string): Promise<void> {
    await this.#fleet.assignUid({ subject, username }, { timeoutMs: CALL_TIMEOUT_MS });
  }

  close(): void {
    this.#transport.close();
  }
}
