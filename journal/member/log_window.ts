import {
  type Entry,
  entryBytes,
  type EntryId,
  type HardState,
  type Index,
  limitEntries,
  type LogStorage,
  type Membership,
  type Snapshot,
  type Term,
} from "../raft/mod.ts";

/**
 * Newest entries kept in memory, so that peers that keep up cost no reading: some seconds of a busy
 * log. Every collection of the heap has to look through them.
 */
const CACHE_MAX_BYTES = 8 * 1024 * 1024;

/** What is left of the cache when it has become too large, so that it seldom does. */
const CACHE_KEPT_PART = 3 / 4;

/** One entry as recovery found it on disk; `Place` says where its bytes are. */
export interface PlacedEntry<Place> {
  readonly index: Index;
  readonly term: Term;
  readonly place: Place;
}

/** What a member's log was when it started. */
export interface RecoveredLog<Place> {
  readonly hardState: HardState;
  /** The entry before the first that is kept; 0/0 for a log from its beginning. */
  readonly start: EntryId;
  readonly entries: readonly PlacedEntry<Place>[];
}

/** What a window is made of. */
export interface LogWindowOptions<Place> {
  readonly recovered: RecoveredLog<Place>;
  /** Of the state machine, as it was recovered. */
  readonly membership: Membership;
  /** Reads an entry back from disk, at once. */
  readonly read: (place: Place) => Entry;
  /** The newest snapshot a member may be sent; asking for it may cause one to be made. */
  readonly snapshot: () => Snapshot | undefined;
  readonly cacheMaxBytes?: number;
}

/**
 * The durable log as the Raft core reads it: term and place of each entry in memory, the entries
 * themselves only while they are young. It is told of what became durable; it writes nothing.
 */
export class LogWindow<Place> implements LogStorage {
  readonly #initial: { readonly hardState: HardState; readonly membership: Membership };
  readonly #read: (place: Place) => Entry;
  readonly #snapshot: () => Snapshot | undefined;
  readonly #cacheMaxBytes: number;
  #start: EntryId;
  /** Parallel lists, the first element of each for the entry after `#start`. */
  #terms: Term[];
  #places: Place[];
  /** The newest entries, up to the last. */
  #cache: Entry[] = [];
  #cachedBytes = 0;

  constructor(options: LogWindowOptions<Place>) {
    const { recovered: { hardState, start, entries }, membership, read, snapshot } = options;
    this.#initial = { hardState, membership };
    this.#read = read;
    this.#snapshot = snapshot;
    this.#cacheMaxBytes = options.cacheMaxBytes ?? CACHE_MAX_BYTES;
    this.#start = start;
    this.#terms = entries.map(({ term }) => term);
    this.#places = entries.map(({ place }) => place);
  }

  initialState(): { readonly hardState: HardState; readonly membership: Membership } {
    return this.#initial;
  }

  firstIndex(): Index {
    return this.#start.index + 1;
  }

  lastIndex(): Index {
    return this.#start.index + this.#terms.length;
  }

  term(index: Index): Term | undefined {
    return index === this.#start.index ? this.#start.term : this.#terms[this.#at(index)];
  }

  entries(low: Index, high: Index, maxBytes: number): readonly Entry[] | undefined {
    if (low < this.firstIndex()) return undefined;
    const cachedFrom = this.lastIndex() + 1 - this.#cache.length;
    const young = Math.min(Math.max(low, cachedFrom), high);
    const old = this.#readOld(low, young, maxBytes);
    if (old.length < young - low) return old;
    const cached = this.#cache.slice(young - cachedFrom, high - cachedFrom);
    return old.length === 0
      ? limitEntries(cached, maxBytes)
      : limitEntries([...old, ...cached], maxBytes);
  }

  snapshot(): Snapshot | undefined {
    return this.#snapshot();
  }

  /** `entries` are durable at `places`, in place of whatever stood at their indexes and after. */
  written(entries: readonly Entry[], places: readonly Place[]): void {
    const [first] = entries;
    if (first === undefined) return;
    this.#cutFrom(first.index);
    let at = 0;
    for (const entry of entries) {
      const place = places[at++];
      if (place === undefined) throw new RangeError(`no place for entry ${entry.index}`);
      this.#terms.push(entry.term);
      this.#places.push(place);
      this.#cache.push(entry);
      this.#cachedBytes += entryBytes(entry);
    }
    this.#evict();
  }

  /** A snapshot took the place of the whole log. */
  restart(start: EntryId): void {
    this.#start = start;
    this.#terms = [];
    this.#places = [];
    this.#cache = [];
    this.#cachedBytes = 0;
  }

  /** Forgets entries up to `index`. @returns the new start, undefined when nothing is to be done */
  compactTo(index: Index): EntryId | undefined {
    const term = this.term(index);
    if (index <= this.#start.index || term === undefined) return undefined;
    const count = index - this.#start.index;
    this.#terms = this.#terms.slice(count);
    this.#places = this.#places.slice(count);
    this.#dropOldest(this.#cache.length - this.#terms.length);
    this.#start = { index, term };
    return this.#start;
  }

  #at(index: Index): number {
    return index - this.#start.index - 1;
  }

  #readOld(low: Index, high: Index, maxBytes: number): Entry[] {
    const entries: Entry[] = [];
    let bytes = 0;
    for (let index = low; index < high; index++) {
      const place = this.#places[this.#at(index)];
      if (place === undefined) break;
      const entry = this.#read(place);
      bytes += entryBytes(entry);
      if (entries.length > 0 && bytes > maxBytes) break;
      entries.push(entry);
    }
    return entries;
  }

  #cutFrom(index: Index): void {
    const at = this.#at(index);
    if (at < 0 || at > this.#terms.length) {
      throw new RangeError(`entry ${index} does not follow ${this.lastIndex()}`);
    }
    if (at === this.#terms.length) return;
    const removed = this.#cache.splice(Math.max(0, this.#cache.length - (this.#terms.length - at)));
    this.#cachedBytes -= bytesOf(removed);
    this.#terms.length = at;
    this.#places.length = at;
  }

  #evict(): void {
    if (this.#cachedBytes <= this.#cacheMaxBytes) return;
    let left = this.#cachedBytes;
    let count = 0;
    for (const entry of this.#cache) {
      if (left <= this.#cacheMaxBytes * CACHE_KEPT_PART) break;
      left -= entryBytes(entry);
      count++;
    }
    this.#dropOldest(count);
  }

  /** Keeps `count` entries less in memory. */
  #dropOldest(count: number): void {
    if (count <= 0) return;
    this.#cachedBytes -= bytesOf(this.#cache.slice(0, count));
    this.#cache = this.#cache.slice(count);
  }
}

function bytesOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, entry) => sum + entryBytes(entry), 0);
}
