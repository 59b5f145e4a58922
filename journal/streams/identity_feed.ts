/**
 * The changes of the identity map, for the streams of nodes (UID-5). It owns the newest of them in
 * memory and who follows; ends with `close`.
 */
import type { Replica } from "../replica/mod.ts";
import { type Doc, type DocumentChanges, type PosixIdentity, uidMapVersion } from "../state/mod.ts";
import { type Sleeper, Waker } from "./waker.ts";

/** Most changes kept for streams that have not told them yet; one that is further behind is rare. */
const MAX_KEPT = 256;

/** What the map became, for everybody who has heard of it. */
export interface IdentityChange {
  readonly version: number;
  /** The version this adds to; absent where the map has to be asked for as a whole. */
  readonly since?: number;
  readonly people: readonly PosixIdentity[];
  /** Organisations that are new, or gave out a number. */
  readonly orgs: readonly { readonly name: string; readonly index: number }[];
}

/** What streams of nodes follow of the identity map. */
export class IdentityFeed {
  readonly #followers = new Set<Sleeper>();
  readonly #waker = new Waker();
  readonly #stop: () => void;
  /** In order, each beginning at the version the one before led to. */
  #kept: IdentityChange[] = [];
  #now: IdentityChange;

  constructor(replica: Pick<Replica, "state" | "onApplied">) {
    this.#now = whole(uidMapVersion(replica.state));
    this.#stop = replica.onApplied(({ writes, restored }) => {
      if (restored) return this.#became(whole(uidMapVersion(replica.state)));
      for (const document of writes.uid_map_version.values()) {
        if (document !== undefined) this.#became(changeOf(writes, document, this.#now.version));
      }
    });
  }

  /** Version of the newest map; 0 for an empty one that nobody was ever added to. */
  get version(): number {
    return this.#now.version;
  }

  /** What to tell who knows the map of `version`, or nothing of it; the same objects for all. */
  since(version: number | undefined): readonly IdentityChange[] {
    if (version === this.version) return [];
    const first = this.#kept.findIndex(({ since }) => since === version);
    if (version !== undefined && first >= 0) return this.#kept.slice(first);
    return [this.#now];
  }

  /** Wakes `sleeper` after each change; the returned function ends that. */
  follow(sleeper: Sleeper): () => void {
    this.#followers.add(sleeper);
    return () => void this.#followers.delete(sleeper);
  }

  close(): void {
    this.#stop();
    this.#waker.close();
    this.#followers.clear();
  }

  #became(change: IdentityChange): void {
    if (change.version === this.version) return;
    this.#now = whole(change.version);
    this.#kept = change.since === undefined ? [] : [...this.#kept, change].slice(-MAX_KEPT);
    for (const sleeper of this.#followers) this.#waker.wake(sleeper);
  }
}

function whole(version: number): IdentityChange {
  return { version, people: [], orgs: [] };
}

/** What a command added; a map that somebody was taken out of is asked for as a whole. */
function changeOf(
  { uid_map, orgs }: DocumentChanges,
  { version }: Doc<"uid_map_version">,
  since: number,
): IdentityChange {
  const people: PosixIdentity[] = [];
  for (const person of uid_map.values()) {
    if (person === undefined) return whole(version);
    people.push(person);
  }
  const named: { name: string; index: number }[] = [];
  for (const [name, org] of orgs) {
    if (org === undefined) return whole(version);
    named.push({ name, index: org.index });
  }
  return { version, since, people, orgs: named };
}

/** What one stream has told of the map already. */
export class IdentityTeller {
  #told: number | undefined;

  /** Without a feed, or while `isServed` says no, it has nothing to tell. */
  constructor(
    private readonly feed: IdentityFeed | undefined,
    private readonly isServed: () => boolean,
  ) {}

  /** What is to be told now. */
  due(): readonly IdentityChange[] {
    if (this.feed === undefined || !this.isServed()) return [];
    // To begin with a version is told, and not that there is no map yet.
    if (this.#told === undefined && this.feed.version === 0) this.#told = 0;
    const changes = this.feed.since(this.#told);
    this.#told = this.feed.version;
    return changes;
  }

  /** Wakes `sleeper` at once where something may be to be told, and after each change until the call. */
  follow(sleeper: Sleeper): () => void {
    if (this.feed === undefined) return () => {};
    if (this.feed.version !== this.#told) sleeper.wake();
    return this.feed.follow(sleeper);
  }
}
