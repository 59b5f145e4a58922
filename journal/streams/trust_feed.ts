/** Whom nodes trust, and the streams that hear of their changes. Ends with `close`. */
import type { stream } from "../../api/mod.ts";
import { type Sleeper, Waker } from "./waker.ts";

/** Whom the nodes of the site trust as of now. */
export interface SiteTrust {
  /** Every CA to trust, PEM. */
  readonly certificatesPem: string;
  /** Those among them that will be dropped soon (CRT-1a); empty for none. */
  readonly leavingPem: string;
  /** Whose tokens people come with; the same object until that changes (ACF-4). */
  readonly tokenIssuer?: stream.TokenIssuer | undefined;
}

/** What streams of nodes follow besides entries. */
export class TrustFeed {
  readonly #followers = new Set<Sleeper>();
  readonly #waker = new Waker();
  #now: SiteTrust;

  constructor(private readonly read: () => SiteTrust) {
    this.#now = read();
  }

  /** The same object until something changes. */
  get now(): SiteTrust {
    return this.#now;
  }

  /** Wakes `sleeper` after each change; the returned function ends that. */
  follow(sleeper: Sleeper): () => void {
    this.#followers.add(sleeper);
    return () => void this.#followers.delete(sleeper);
  }

  /** Looks again, and wakes who follows where anything is different. */
  look(): void {
    const next = this.read();
    const { certificatesPem, leavingPem, tokenIssuer } = this.#now;
    const isSame = next.certificatesPem === certificatesPem && next.leavingPem === leavingPem &&
      next.tokenIssuer === tokenIssuer;
    if (isSame) return;
    this.#now = next;
    for (const sleeper of this.#followers) this.#waker.wake(sleeper);
  }

  close(): void {
    this.#waker.close();
    this.#followers.clear();
  }
}

/** What one stream has told of it already. */
export class TrustTeller {
  #told: SiteTrust | undefined;

  constructor(private readonly feed: TrustFeed | undefined) {}

  /** What is to be told now; undefined for nothing new. */
  due(): SiteTrust | undefined {
    const now = this.feed?.now;
    if (now === this.#told) return undefined;
    this.#told = now;
    return now;
  }

  /** Wakes `sleeper` at once where something is to be told, and after each change until the call. */
  follow(sleeper: Sleeper): () => void {
    if (this.feed === undefined) return () => {};
    if (this.feed.now !== this.#told) sleeper.wake();
    return this.feed.follow(sleeper);
  }
}
