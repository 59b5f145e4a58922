/**
 * Who this node is to the journal, and whom it takes for a journal: its identity, the identity before
 * if its key can still prove something, and the trust anchor. It tells its owner what must be kept.
 * Identities come from SPIRE, else from the journal, else from the bootstrap files (IDN-4).
 */
import { X509Certificate } from "node:crypto";
import { agentport, type stream } from "../../api/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import { type ErrorCode, PactError } from "../../common/errors/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { createRpcTransport, type RpcTransport } from "../../common/rpc/mod.ts";
import type { SvidIdentity } from "../../common/spiffe/mod.ts";
import { parsePeerCertificate, splitPemBundle, TrustBundle } from "../../common/certificate/mod.ts";
import { type BootstrapFiles, bootstrapIdentity } from "./bootstrap_identity.ts";
import { enrol, type Hardware } from "./enroll.ts";
import { type IdentityWay, obtainIdentity } from "./identity_cascade.ts";
import type { NodeSvids } from "./node_svids.ts";
import { type JournalAddress, journalTransport } from "./session.ts";
import { isIssuerLeaving } from "./site_trust.ts";

/** What credentials are made of. */
export interface CredentialsOptions {
  readonly hardware: Hardware;
  /** Of an earlier start of this boot. */
  readonly identity: agentport.NodeIdentity | undefined;
  readonly anchor: Anchor;
  /** Absent: SPIRE is not asked. */
  readonly svids?: NodeSvids | undefined;
  readonly bootstrap?: BootstrapFiles | undefined;
  /** No certificates are asked of the journal. */
  readonly isStatic?: boolean;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long SPIRE and the journal may each take to give one (IDN-7). */
  readonly identityTimeoutMs?: number;
  readonly onIdentity: (identity: agentport.NodeIdentity) => void;
  /** What a node without an anchor trusted first, and what took its place since (CRT-10). */
  readonly onAnchor: (certificatesPem: string) => void;
}

/** Whom a node trusts before it is enrolled (NEN-4, CRT-10). */
export interface Anchor {
  /** The site's CA as the admin gave it; empty where there is none. */
  readonly givenPem: string;
  /** Without one: whether the first journal that lets this node in is trusted from then on. */
  readonly mayTrustFirst: boolean;
  /** The one that was trusted first, at an earlier start. */
  readonly pinnedPem: string;
}

/** See the head of this file. */
export class Credentials {
  #identity: agentport.NodeIdentity | undefined;
  /** An identity that was refused: its key proves who this is (ENR-2). */
  #former: agentport.NodeIdentity | undefined;
  #pinnedPem: string;
  #bootstrap: BootstrapFiles | undefined;

  constructor(private readonly options: CredentialsOptions) {
    this.#identity = options.identity;
    this.#bootstrap = options.bootstrap;
    this.#pinnedPem = options.anchor.pinnedPem;
  }

  get nodeId(): string {
    return this.#identity?.nodeId ?? "";
  }

  /** CAs by which journals are known; empty while nobody is trusted yet. */
  get anchorPem(): string {
    const { givenPem } = this.options.anchor;
    return givenPem === "" ? this.#pinnedPem : givenPem;
  }

  /** How a journal is reached and recognised now. */
  address(endpoint: string): JournalAddress {
    const { svids, clock } = this.options;
    return {
      endpoint,
      clock,
      caPem: this.anchorPem,
      ...(svids === undefined ? {} : { trustDomains: svids.trustDomains }),
    };
  }

  /**
   * The identity there is as long as it serves, else the first of the cascade at `endpoint`.
   *
   * @throws {IdentityError} with the journal's refusal as its cause.
   */
  async obtain(endpoint: string): Promise<agentport.NodeIdentity> {
    if (this.#identity !== undefined && this.#serves(this.#identity)) return this.#identity;
    const identity = await obtainIdentity(this.#ways(endpoint), this.options);
    this.keep(identity);
    this.options.log.info("enrolled", { node: identity.nodeId, serial: identity.serial });
    return identity;
  }

  /** Takes an identity into use. */
  keep(identity: agentport.NodeIdentity): void {
    this.#identity = identity;
    // PB4: who has an SVID never goes back to what the image brought.
    if (isSvid(identity)) this.#bootstrap = undefined;
    this.options.onIdentity(identity);
    this.#pin(identity.trustBundlePem);
  }

  /** A certificate that is refused is of no use any more: the node enrols again (NEN-7, NEN-9). */
  refused(code: ErrorCode): void {
    if (code !== "UNAUTHENTICATED" && code !== "NODE_REVOKED") return;
    const identity = this.#identity;
    // An SVID may only have to enrol again, and its key is no proof to a journal.
    if (identity === undefined || !isSvid(identity)) {
      this.#former = code === "NODE_REVOKED" ? undefined : identity ?? this.#former;
    }
    this.#identity = undefined;
  }

  /**
   * Takes over the CAs of the site; says whether the one of the certificate in use is about to be
   * dropped (CRT-1a, NEN-9).
   */
  takeTrust({ certificates, leaving }: stream.TrustBundle): boolean {
    const identity = this.#identity;
    if (identity === undefined) return false;
    const { clock, log } = this.options;
    const decoder = new TextDecoder();
    const trustBundlePem = decoder.decode(certificates);
    const told = { trustBundlePem, leavingPem: decoder.decode(leaving) };
    try {
      const isLeaving = isIssuerLeaving(identity.certPem, told, new Date(clock.nowMs()));
      if (trustBundlePem !== identity.trustBundlePem) this.keep({ ...identity, trustBundlePem });
      return isLeaving;
    } catch (error) {
      log.error("the journal's CA certificates cannot be read, the former ones stay", {
        error: String(error),
      });
      return false;
    }
  }

  /** A certificate of the journal's for whoever `transport` shows this node to be. */
  async enrolOver(transport: RpcTransport): Promise<agentport.NodeIdentity> {
    const { hardware, clock } = this.options;
    const identity = await enrol(transport, {
      hardware,
      former: this.#former,
      nowMs: clock.nowMs(),
    });
    this.#former = undefined;
    return identity;
  }

  /** Enrols under the SVID, over a connection of its own (NEN-11). */
  async enrolBySvid(endpoint: string, identity: SvidIdentity): Promise<agentport.NodeIdentity> {
    const { svids, hardware } = this.options;
    if (svids === undefined) throw new Error("SPIRE is not asked here");
    return await svids.enrol(this.address(endpoint), hardware, identity);
  }

  #serves(identity: agentport.NodeIdentity): boolean {
    const { svids, clock } = this.options;
    if (isSvid(identity)) return svids?.held?.identity.svid.serialHex === identity.serial;
    return parsePeerCertificate(identity.certPem).notAfter.getTime() > clock.nowMs();
  }

  #ways(endpoint: string): readonly IdentityWay[] {
    const { svids, isStatic = false, log } = this.options;
    return [
      {
        source: "Spire",
        isAvailable: () => svids?.mayGive ?? false,
        obtain: async (signal) => {
          if (svids === undefined) throw new Error("SPIRE is not asked here");
          return await this.enrolBySvid(endpoint, await svids.identity(signal));
        },
      },
      {
        source: "SelfSigned",
        isAvailable: () => !isStatic,
        obtain: () => this.#enrol(endpoint),
      },
      {
        source: "Bootstrap",
        isAvailable: () => this.#bootstrap !== undefined,
        obtain: () => {
          if (svids !== undefined) log.warn("SPIRE agent unreachable, using bootstrap identity");
          return Promise.resolve(bootstrapIdentity(this.#bootstrap));
        },
      },
    ];
  }

  async #enrol(endpoint: string): Promise<agentport.NodeIdentity> {
    const address = this.address(endpoint);
    const isAnchored = this.anchorPem !== "" || (address.trustDomains?.size ?? 0) > 0;
    if (!isAnchored) return await this.#enrolOnFirstUse(endpoint);
    const transport = journalTransport(address);
    try {
      return await this.enrolOver(transport);
    } finally {
      transport.close();
    }
  }

  /** Nobody vouches for this journal; what it says of itself must at least fit together (CRT-10). */
  async #enrolOnFirstUse(endpoint: string): Promise<agentport.NodeIdentity> {
    const { clock, anchor, log } = this.options;
    if (!anchor.mayTrustFirst) {
      throw new PactError(
        "PRECONDITION",
        "no CA to know the journal by: give agent.journal.tls_ca, or allow " +
          "agent.enrollment.trust_on_first_use",
      );
    }
    let shown: Uint8Array | undefined;
    const transport = createRpcTransport({
      endpoint,
      trustsAnyServer: true,
      refuseServer: (certificateDer) => {
        shown = certificateDer;
        return undefined;
      },
    });
    try {
      const nowMs = clock.nowMs();
      const identity = await this.enrolOver(transport);
      const verdict = shown === undefined
        ? { trusted: false }
        : new TrustBundle(identity.trustBundlePem).verify(shown, "server", new Date(nowMs));
      if (!verdict.trusted) {
        throw new Error(
          "enrollment answer rejected: the journal's own certificate is by none of its CAs",
        );
      }
      log.warn("a journal is trusted on first use: compare its CA with the site's", {
        endpoint,
        sha256: fingerprints(identity.trustBundlePem),
      });
      this.#pinnedPem = identity.trustBundlePem;
      return identity;
    } finally {
      transport.close();
    }
  }

  /** What was trusted first stays current with the site's CAs: they vouch for each other. */
  #pin(bundlePem: string): void {
    if (this.options.anchor.givenPem !== "" || this.#pinnedPem === "") return;
    this.#pinnedPem = bundlePem;
    this.options.onAnchor(bundlePem);
  }
}

function isSvid({ source }: agentport.NodeIdentity): boolean {
  return source === agentport.IdentitySource.SPIRE;
}

function fingerprints(bundlePem: string): string {
  return splitPemBundle(bundlePem)
    .map((pem) => new X509Certificate(pem).fingerprint256)
    .join(" ");
}
