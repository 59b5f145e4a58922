/**
 * Keeps a connection under the newest SVID, on a second channel each time (ROT-5). It owns a timer and
 * ends by `close`.
 *
 * | an SVID is        | the connection is under | what                                               |
 * | ----------------- | ----------------------- | -------------------------------------------------- |
 * | there             | that very one           | nothing                                            |
 * | there             | another SVID            | take over under the new one                        |
 * | there             | another certificate     | enrol by it, take over                             |
 * | ending, withdrawn | an SVID                 | ask for a certificate of the journal's, while that |
 * |                   |                         | one still counts; take over                        |
 * | ending, withdrawn | another certificate     | nothing                                            |
 *
 * What fails is tried again after the retry period; what is in use stays in use (ROT-3).
 *
 * @module
 */
import { agentport } from "../../api/mod.ts";
import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { underSvid } from "./enroll.ts";
import type { Credentials } from "./credentials.ts";
import type { NodeSvids } from "./node_svids.ts";
import { type JournalSession, openChecked } from "./session.ts";

/** Wait between tries that fail, unless a new SVID comes (ROT-5). */
const RETRY_MS = 30_000;

/** What the rotation works with. */
export interface SvidRotationOptions {
  readonly credentials: Credentials;
  readonly svids: NodeSvids;
  readonly clock: Clock;
  readonly log: Logger;
  /** The connection in use. */
  readonly session: () => JournalSession;
  /** A second channel works under another identity: it takes over. */
  readonly onNext: (session: JournalSession) => void;
}

/** See the head of this file. */
export class SvidRotation {
  readonly #leave: () => void;
  #timer: TimerHandle | undefined;
  #isWorking = false;
  #isAsked = false;
  #isClosed = false;
  #hasToldFailure = false;

  constructor(private readonly options: SvidRotationOptions) {
    this.#leave = options.svids.onChange(() => this.look());
    this.look();
  }

  /** Looks whether the connection is under the right identity; one look at a time. */
  look(): void {
    this.#isAsked = true;
    if (!this.#isWorking) void this.#work();
  }

  close(): void {
    this.#isClosed = true;
    this.#leave();
    this.#arm(undefined);
  }

  async #work(): Promise<void> {
    this.#isWorking = true;
    this.#arm(undefined);
    try {
      // Ends when nobody has asked meanwhile: SVIDs come at intervals.
      while (this.#isAsked && !this.#isClosed) {
        this.#isAsked = false;
        await this.#takeNext();
      }
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#isWorking = false;
    }
  }

  async #takeNext(): Promise<void> {
    const { credentials, log, session, onNext } = this.options;
    const old = session();
    const identity = await this.#wanted(old);
    if (identity === undefined || this.#isClosed) return;
    const next = await openChecked(credentials.address(old.address.endpoint), identity);
    if (this.#isClosed) return next.close();
    this.#hasToldFailure = false;
    log.info("identity changed", {
      source: agentport.IdentitySource[identity.source],
      serial: identity.serial,
    });
    onNext(next);
  }

  /** The identity that the connection should be under instead; undefined when it is right. */
  async #wanted(old: JournalSession): Promise<agentport.NodeIdentity | undefined> {
    const { credentials, svids, log } = this.options;
    const isSvid = old.identity.source === agentport.IdentitySource.SPIRE;
    const held = svids.held;
    if (held !== undefined && held.identity.svid.serialHex !== old.identity.serial) {
      if (held.isAging && !isSvid) return undefined;
      return isSvid
        ? underSvid(old.identity, held.identity)
        : await credentials.enrolBySvid(old.address.endpoint, held.identity);
    }
    if (!isSvid || (held !== undefined && !held.isAging)) return undefined;
    log.warn("SPIRE agent unreachable, asking the journal for a certificate");
    return await credentials.enrolOver(old.transport);
  }

  #failed(error: unknown): void {
    const { log } = this.options;
    log[this.#hasToldFailure ? "debug" : "warn"]("identity not changed, retrying", {
      error: error instanceof Error ? error.message : String(error),
    });
    this.#hasToldFailure = true;
    this.#arm(RETRY_MS);
  }

  #arm(waitMs: number | undefined): void {
    const { clock } = this.options;
    if (this.#timer !== undefined) clock.clearTimer(this.#timer);
    this.#timer = waitMs === undefined || this.#isClosed
      ? undefined
      : clock.setTimer(waitMs, () => this.look());
  }
}
