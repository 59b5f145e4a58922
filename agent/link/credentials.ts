/**
 * Who this node is to the journal, and whom it takes for a journal: its identity, the identity before
 * if its key can still prove something, and the trust anchor. It tells its owner what must be kept.
 */
import { X509Certificate } from "node:crypto";
import type { agentport, stream } from "../../api/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import { type ErrorCode, PactError } from "../../common/errors/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { createRpcTransport } from "../../common/rpc/mod.ts";
import { splitPemBundle, TrustBundle } from "../../common/certificate/mod.ts";
import { enrol, type Hardware } from "./enroll.ts";
import { isIssuerLeaving } from "./site_trust.ts";

/** What credentials are made of. */
export interface CredentialsOptions {
  readonly hardware: Hardware;
  /** Of an earlier start of this boot. */
  readonly identity: agentport.NodeIdentity | undefined;
  readonly anchor: Anchor;
  readonly clock: Clock;
  readonly log: Logger;
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

  constructor(private readonly options: CredentialsOptions) {
    this.#identity = options.identity;
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

  /**
   * The identity there is, else one by enrolment at `endpoint`.
   *
   * @throws {ConnectError} the journal's refusal; {Error} for an answer that cannot be used.
   */
  async obtain(endpoint: string): Promise<agentport.NodeIdentity> {
    if (this.#identity !== undefined) return this.#identity;
    const identity = this.anchorPem === ""
      ? await this.#enrolOnFirstUse(endpoint)
      : await this.#enrol(endpoint);
    this.#former = undefined;
    this.keep(identity);
    this.options.log.info("enrolled", { node: identity.nodeId, serial: identity.serial });
    return identity;
  }

  /** Takes an identity into use. */
  keep(identity: agentport.NodeIdentity): void {
    this.#identity = identity;
    this.options.onIdentity(identity);
    this.#pin(identity.trustBundlePem);
  }

  /** A certificate that is refused is of no use any more: the node enrols again (NEN-7, NEN-9). */
  refused(code: ErrorCode): void {
    if (code !== "UNAUTHENTICATED" && code !== "NODE_REVOKED") return;
    this.#former = code === "NODE_REVOKED" ? undefined : this.#identity ?? this.#former;
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

  async #enrol(endpoint: string): Promise<agentport.NodeIdentity> {
    const { hardware, clock } = this.options;
    const transport = createRpcTransport({ endpoint, caPem: this.anchorPem });
    try {
      return await enrol(transport, { hardware, former: this.#former, nowMs: clock.nowMs() });
    } finally {
      transport.close();
    }
  }

  /** Nobody vouches for this journal; what it says of itself must at least fit together (CRT-10). */
  async #enrolOnFirstUse(endpoint: string): Promise<agentport.NodeIdentity> {
    const { hardware, clock, anchor, log } = this.options;
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
      const identity = await enrol(transport, { hardware, former: this.#former, nowMs });
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

function fingerprints(bundlePem: string): string {
  return splitPemBundle(bundlePem)
    .map((pem) => new X509Certificate(pem).fingerprint256)
    .join(" ");
}
