/**
 * Owns the leader's duty to sign the log: it watches what is applied, holds one timer, and proposes
 * one checkpoint at a time. Ends with `close`, which waits for the proposal under way.
 *
 * | event            | what follows                                        |
 * |------------------|-----------------------------------------------------|
 * | entries applied  | proposed when 1,000 are unsigned, else the timer    |
 * | the timer        | proposed, on the member that leads                  |
 * | a failed proposal| reported, tried again after the retry interval      |
 *
 * @module
 */
import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import { type Checkpoint, checkpointBytes, signerOf } from "../../common/chain/mod.ts";
import { SYSTEM_IDENTITY } from "../../common/model/mod.ts";
import { type CertificateAuthority, SignerCertificate, signWithCa } from "../../common/tls/mod.ts";
import type { Replica } from "../replica/mod.ts";
import { countersOf } from "../state/mod.ts";
import { type Coverage, COVERED, dueInMs, observe } from "./due.ts";

/** How long a member that does not lead, or failed to propose, waits before it looks again. */
const RETRY_MS = 5_000;

/** What the checkpointer works with. */
export interface CheckpointerOptions {
  readonly replica: Replica;
  /** Whose key signs; its certificate must be in the replicated bundle by then. */
  readonly ca: CertificateAuthority;
  readonly clock: Clock;
  /** Told of a proposal that failed; it is tried again. */
  readonly onError: (error: unknown) => void;
}

/** Signs the log for as long as this member leads. */
export class Checkpointer {
  readonly #options: CheckpointerOptions;
  readonly #certificate: SignerCertificate;
  readonly #stopFollowing: () => void;
  #newest: number;
  #coverage: Coverage = COVERED;
  #timer: TimerHandle | undefined;
  /** Nothing is proposed before, after a proposal that came to nothing. */
  #notBeforeMs = -Infinity;
  #proposal: Promise<void> | undefined;
  #closed = false;
  #isLookDue = false;

  constructor(options: CheckpointerOptions) {
    this.#options = options;
    this.#certificate = new SignerCertificate(options.ca.certPem);
    this.#newest = this.#newestInState();
    this.#stopFollowing = options.replica.onApplied(({ writes, restored }) => {
      if (restored) this.#newest = this.#newestInState();
      for (const document of writes.checkpoints.values()) {
        if (document !== undefined) this.#newest = Math.max(this.#newest, document.sequence);
      }
      this.#lookSoon();
    });
    this.#look();
  }

  /** Ends the watch and waits for the proposal under way. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#stopFollowing();
    this.#disarm();
    await this.#proposal;
  }

  #newestInState(): number {
    let newest = -1;
    for (const [, { sequence }] of this.#options.replica.state.list("checkpoints")) {
      newest = sequence;
    }
    return newest;
  }

  /** Looks once for all commands that are applied in one go. */
  #lookSoon(): void {
    if (this.#isLookDue) return;
    this.#isLookDue = true;
    queueMicrotask(() => {
      this.#isLookDue = false;
      this.#look();
    });
  }

  /** Takes in where the log stands, and arms the timer or proposes. */
  #look(): void {
    if (this.#closed || this.#proposal !== undefined) return;
    const { replica, clock } = this.#options;
    const nowMs = clock.monotonicMs();
    this.#coverage = observe(this.#coverage, replica.appliedSequence - this.#newest, nowMs);
    const dueMs = dueInMs(this.#coverage, nowMs);
    if (dueMs === undefined) return this.#disarm();
    const waitMs = Math.max(dueMs, this.#notBeforeMs - nowMs);
    if (waitMs <= 0) {
      this.#disarm();
      this.#proposal = this.#propose();
      return;
    }
    this.#timer ??= clock.setTimer(waitMs, () => {
      this.#timer = undefined;
      this.#look();
    });
  }

  async #propose(): Promise<void> {
    const { clock, onError } = this.#options;
    let isSigned = false;
    try {
      isSigned = await this.#sign();
    } catch (error) {
      if (!this.#closed) onError(error);
    }
    if (!isSigned) this.#notBeforeMs = clock.monotonicMs() + RETRY_MS;
    this.#proposal = undefined;
    this.#look();
  }

  /** Signs the newest entry; false on a member that does not lead. */
  async #sign(): Promise<boolean> {
    const { replica, ca, clock } = this.#options;
    if (replica.status().log.role !== "leader") return false;
    const nowMs = clock.nowMs();
    if (!this.#certificate.isValidAt(nowMs)) {
      throw new Error(
        `the CA's certificate is not valid at ${
          new Date(nowMs).toISOString()
        }: a signature would be ` +
          "taken for a forgery; correct the clock or renew the CA",
      );
    }
    const { next_sequence, head_hash } = countersOf(replica.state);
    const statement = {
      sequence: next_sequence - 1,
      hash: head_hash,
      signed_at: new Date(nowMs).toISOString(),
    };
    const signature = await signWithCa(ca, checkpointBytes(statement));
    const checkpoint: Checkpoint = {
      ...statement,
      signer: signerOf(ca.certPem) ?? "",
      signature: signature.toBase64(),
    };
    await replica.submit({ type: "RecordCheckpoint", checkpoint }, { actor: SYSTEM_IDENTITY });
    return true;
  }

  #disarm(): void {
    if (this.#timer !== undefined) this.#options.clock.clearTimer(this.#timer);
    this.#timer = undefined;
  }
}
