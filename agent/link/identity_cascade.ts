/**
 * The identity cascade of the contracts (IDN-3 to IDN-7) over what the link enrols with: SPIRE, then a
 * certificate of the journal's, then the bootstrap files.
 */
import type { agentport } from "../../api/mod.ts";
import { parsePeerCertificate, requireMatchingKey } from "../../common/certificate/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { SecretPem } from "../../common/secret/mod.ts";
import {
  IdentityCascade,
  type IdentitySource,
  PrivateKey,
  type WorkloadIdentity,
} from "../../contracts/mod.ts";

/** One way to an identity of this node. */
export interface IdentityWay {
  readonly source: IdentitySource;
  isAvailable(): boolean;
  obtain(signal: AbortSignal): Promise<agentport.NodeIdentity>;
}

/** What a cascade is run with. */
export interface CascadeOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** How long SPIRE and the journal may each take; the contracts' 30 s where absent (IDN-7). */
  readonly identityTimeoutMs?: number;
}

/**
 * The identity of the first way that is there and gives a usable one.
 *
 * @throws {IdentityError} of the last way, with what it failed by as its cause.
 */
export async function obtainIdentity(
  ways: readonly IdentityWay[],
  { clock, log, identityTimeoutMs: limit }: CascadeOptions,
): Promise<agentport.NodeIdentity> {
  const nodes = new Map<WorkloadIdentity, agentport.NodeIdentity>();
  const cascade = new IdentityCascade(
    ways.map(({ source, isAvailable, obtain }) => ({
      sourceType: source,
      isAvailable: () => Promise.resolve(isAvailable()),
      getIdentity: async (signal) => {
        const node = await obtain(signal);
        const identity = workloadIdentityOf(node, source);
        nodes.set(identity, node);
        return identity;
      },
    })),
    {
      nowMs: () => clock.nowMs(),
      ...(limit === undefined ? {} : { timeoutMs: { Spire: limit, SelfSigned: limit } }),
      sleep: (delayMs, signal) => sleep(clock, delayMs, signal),
      inspect: (identity) => Promise.resolve(objectionTo(nodes.get(identity))),
      // What the journal says of its own certificates is told where it is retried.
      warn: (source, error) =>
        log[source === "SelfSigned" ? "debug" : "warn"]("an identity could not be obtained", {
          source,
          error: error.message,
        }),
    },
  );
  const identity = await cascade.getIdentity();
  const node = nodes.get(identity);
  if (node === undefined) throw new Error("the cascade gave an identity of nobody");
  return node;
}

function workloadIdentityOf(
  { certPem, keyPem, trustBundlePem }: agentport.NodeIdentity,
  source: IdentitySource,
): WorkloadIdentity {
  const { notBefore, notAfter } = parsePeerCertificate(certPem);
  const encoder = new TextEncoder();
  return {
    certChainPem: encoder.encode(certPem),
    privateKey: new PrivateKey(encoder.encode(keyPem)),
    trustBundlePem: encoder.encode(trustBundlePem),
    notBeforeMs: notBefore.getTime(),
    expiresAtMs: notAfter.getTime(),
    source,
  };
}

/** IDN-6. Each way has checked its own chain: an SVID's to its bundle, an answer's to the journal's. */
function objectionTo(node: agentport.NodeIdentity | undefined): string | null {
  if (node === undefined) return "it is of nobody";
  try {
    requireMatchingKey(node.certPem, new SecretPem(node.keyPem));
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function sleep(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = clock.setTimer(delayMs, resolve);
  const end = () => {
    clock.clearTimer(timer);
    resolve();
  };
  signal.addEventListener("abort", end, { once: true });
  return promise;
}
