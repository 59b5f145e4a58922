/**
 * One connection to a journal after the other, each under the next identity, without a moment between
 * (ROT-2, ROT-5). It owns the connections, what renews their identities, and the timers of those that
 * were taken over from; it ends by `close`.
 */
import { agentport } from "../../api/mod.ts";
import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import type { Credentials } from "./credentials.ts";
import type { NodeSvids } from "./node_svids.ts";
import { Renewal } from "./renewal.ts";
import type { JournalSession } from "./session.ts";
import { SvidRotation } from "./svid_rotation.ts";

/** How long the calls of a connection that was taken over from may go on (ROT-2). */
const DRAIN_MS = 60_000;

/** What a succession works with. */
export interface SuccessionOptions {
  readonly credentials: Credentials;
  readonly svids: NodeSvids | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  /** Another connection has taken over. */
  readonly onNext: (session: JournalSession) => void;
}

/** The connection in use, and the end of its time. */
export interface Incumbent {
  readonly session: JournalSession;
  /** Aborts when another one has taken over. */
  readonly takenOver: AbortSignal;
}

/** See the head of this file. */
export class Succession {
  #session: JournalSession;
  #takenOver = new AbortController();
  #renewal: Renewal | undefined;
  readonly #rotation: SvidRotation | undefined;
  readonly #draining = new Map<JournalSession, TimerHandle>();

  constructor(private readonly options: SuccessionOptions, first: JournalSession) {
    this.#session = first;
    this.#renewFrom(first);
    const { svids } = options;
    this.#rotation = svids && new SvidRotation({
      ...options,
      svids,
      session: () => this.#session,
      onNext: (next) => this.#take(next),
    });
  }

  get incumbent(): Incumbent {
    return { session: this.#session, takenOver: this.#takenOver.signal };
  }

  /** The CA of the journal's certificates will be dropped; an SVID is none of its (CRT-1a). */
  issuerLeaves(): void {
    this.#renewal?.issuerLeaves();
  }

  /** Ends everything but the connection in use. */
  close(): void {
    this.#rotation?.close();
    this.#renewal?.close();
    for (const session of [...this.#draining.keys()]) this.#drained(session);
  }

  #take(next: JournalSession): void {
    const former = this.#session;
    const takenOver = this.#takenOver;
    this.#session = next;
    this.#takenOver = new AbortController();
    const timer = this.options.clock.setTimer(DRAIN_MS, () => this.#drained(former));
    this.#draining.set(former, timer);
    if (next.identity.source !== former.identity.source) this.#renewFrom(next);
    this.options.onNext(next);
    takenOver.abort();
    // An SVID may have come while a certificate of the journal's was on its way.
    this.#rotation?.look();
  }

  /** Certificates of the journal's are renewed here; SVIDs by SPIRE, and bootstrap files not at all. */
  #renewFrom(session: JournalSession): void {
    this.#renewal?.close();
    const { source } = session.identity;
    const isJournals = source === agentport.IdentitySource.SELF_SIGNED ||
      source === agentport.IdentitySource.UNSPECIFIED;
    this.#renewal = isJournals
      ? new Renewal({ ...this.options, onRenewed: (next) => this.#take(next) }, session)
      : undefined;
  }

  #drained(session: JournalSession): void {
    const timer = this.#draining.get(session);
    if (timer !== undefined) this.options.clock.clearTimer(timer);
    this.#draining.delete(session);
    session.close();
  }
}
