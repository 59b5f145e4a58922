/**
 * Obtaining an identity from the first provider that has one (IDN-2 to IDN-7, IDN-10).
 * Clock, timeout and certificate check are handed in; nothing here touches the node.
 */
import { IdentityError } from "./error.ts";
import { type IdentitySource, isNotYetValid, isValid, type WorkloadIdentity } from "./identity.ts";

/** One way to an identity (IDN-2). */
export interface IdentityProvider {
  readonly sourceType: IdentitySource;
  /** Cheap look whether asking makes sense, within {@linkcode AVAILABILITY_TIMEOUT_MS}. */
  isAvailable(): Promise<boolean>;
  /** Obtains an identity; `signal` aborts when the call's time is over. */
  getIdentity(signal: AbortSignal): Promise<WorkloadIdentity>;
}

/** What the cascade needs from its surroundings. */
export interface CascadeEnvironment {
  nowMs(): number;
  /** Resolves after `delayMs`, or soon after `signal` aborts. */
  sleep(delayMs: number, signal: AbortSignal): Promise<void>;
  /** IDN-6: why key, certificate and bundle do not belong together; `null` when they do. */
  inspect(identity: WorkloadIdentity): Promise<string | null>;
  /** Limits of a call other than {@linkcode PROVIDER_TIMEOUT_MS}. */
  readonly timeoutMs?: Partial<Readonly<Record<IdentitySource, number>>>;
  /** A provider failed and the next one is tried. */
  warn(source: IdentitySource, error: IdentityError): void;
}

/** IDN-2: limit of an availability check. */
export const AVAILABILITY_TIMEOUT_MS = 200;

/** IDN-7: limit of one call. */
export const PROVIDER_TIMEOUT_MS: Readonly<Record<IdentitySource, number>> = {
  Spire: 30_000,
  SelfSigned: 30_000,
  Bootstrap: 2_000,
};

/** Providers in the order they are asked (IDN-3). */
export class IdentityCascade {
  readonly #providers: readonly IdentityProvider[];
  readonly #environment: CascadeEnvironment;

  constructor(providers: readonly IdentityProvider[], environment: CascadeEnvironment) {
    this.#providers = providers;
    this.#environment = environment;
  }

  get providerCount(): number {
    return this.#providers.length;
  }

  /**
   * The identity of the first available provider that gives a usable one. One call never goes
   * back to an earlier provider (IDN-5).
   *
   * @throws {IdentityError} the last provider's, or `NoProviderAvailable` if none could be asked
   */
  async getIdentity(): Promise<WorkloadIdentity> {
    let last = new IdentityError({ kind: "NoProviderAvailable" });
    for (const provider of this.#providers) {
      if (!await this.#isAvailable(provider)) continue;
      try {
        return await this.#ask(provider);
      } catch (error) {
        last = failureOf(provider.sourceType, error);
        this.#environment.warn(provider.sourceType, last);
      }
    }
    throw last;
  }

  async #isAvailable(provider: IdentityProvider): Promise<boolean> {
    try {
      const answer = await this.#within(AVAILABILITY_TIMEOUT_MS, () => provider.isAvailable());
      return answer.inTime && answer.value;
    } catch {
      return false;
    }
  }

  async #ask(provider: IdentityProvider): Promise<WorkloadIdentity> {
    const { sourceType } = provider;
    const timeoutMs = this.#environment.timeoutMs?.[sourceType] ?? PROVIDER_TIMEOUT_MS[sourceType];
    const answer = await this.#within(
      timeoutMs,
      (signal) => provider.getIdentity(signal),
      (late) => late.privateKey.wipe(),
    );
    if (!answer.inTime) throw timedOut(sourceType, timeoutMs);
    const identity = answer.value;
    try {
      await this.#assertUsable(identity);
    } catch (error) {
      identity.privateKey.wipe();
      throw error;
    }
    return identity;
  }

  async #assertUsable(identity: WorkloadIdentity): Promise<void> {
    const nowMs = this.#environment.nowMs();
    if (!isValid(identity, nowMs)) throw new IdentityError({ kind: "Expired" });
    if (isNotYetValid(identity, nowMs)) throw failed(identity.source, "identity not yet valid");
    const objection = await this.#environment.inspect(identity);
    if (objection !== null) throw failed(identity.source, objection);
  }

  /** Runs a call against the clock; what comes too late goes to `discard`. */
  async #within<T>(
    timeoutMs: number,
    call: (signal: AbortSignal) => Promise<T>,
    discard: (late: T) => void = () => {},
  ): Promise<{ readonly inTime: true; readonly value: T } | { readonly inTime: false }> {
    const calling = new AbortController();
    const sleeping = new AbortController();
    let isOver = false;
    const answer = call(calling.signal).then((value) => {
      if (isOver) discard(value);
      return { inTime: true, value } as const;
    });
    const timeout = this.#environment.sleep(timeoutMs, sleeping.signal).then(() => {
      isOver = true;
      return { inTime: false } as const;
    });
    try {
      const first = await Promise.race([answer, timeout]);
      if (!first.inTime) {
        answer.catch(() => {}); // its failure has become the timeout's
        calling.abort();
      }
      return first;
    } finally {
      sleeping.abort();
    }
  }
}

/**
 * IDN-10: the providers that remain once a SPIRE identity is active; bootstrap is over until the
 * process ends.
 */
export function withoutBootstrap(
  providers: readonly IdentityProvider[],
): readonly IdentityProvider[] {
  return providers.filter((provider) => provider.sourceType !== "Bootstrap");
}

function failureOf(source: IdentitySource, error: unknown): IdentityError {
  if (error instanceof IdentityError) return error;
  return failed(source, error instanceof Error ? error.message : String(error), error);
}

function timedOut(source: IdentitySource, timeoutMs: number): IdentityError {
  return failed(source, `timed out after ${timeoutMs / 1000} s`);
}

/** A provider's own kind of failure. */
function failed(source: IdentitySource, reason: string, cause?: unknown): IdentityError {
  const options = cause === undefined ? {} : { cause };
  switch (source) {
    case "Spire":
      return new IdentityError({ kind: "SpireUnavailable", reason }, options);
    case "SelfSigned":
      return new IdentityError({ kind: "CsrSigningFailed", reason }, options);
    case "Bootstrap":
      return new IdentityError({ kind: "Io", cause: reason }, options);
  }
}
