/**
 * The journal's identity from SPIRE, and whom SPIRE lets it believe (CRT-3). It owns the stream to the
 * machine's SPIFFE agent and ends by `close`.
 */

import { pactPartOf, type SpiffeId } from "../../common/certificate/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import {
  DEFAULT_SPIRE_SOCKET,
  openSvidSource,
  type SvidIdentity,
  type SvidSource,
  trustedDomains,
} from "../../common/spiffe/mod.ts";
import type { JournalSettings } from "../config/mod.ts";

/** Longest wait between two tries to reach the agent (ROT-5). */
const RETRY_MAX_MS = 60_000;
/** Longest wait for an identity at the start (IDN-7). */
const FIRST_LIMIT_MS = 30_000;

/** What SPIRE has given. */
export interface JournalSvid {
  /** The SVID of this very member, while it is valid. */
  current(): SvidIdentity | undefined;
  /**
   * The bundles by trust domain: the own one and, of the others, those that the configuration names.
   * They outlive the SVID they came with: nodes go on presenting theirs.
   */
  trustDomains(): ReadonlyMap<string, string>;
  /** The bundle of the own trust domain; empty before there is one. */
  ownDomain(): ReadonlyMap<string, string>;
  /** Told when any of it is another one. Returns what ends it. */
  onChange(listener: () => void): () => void;
  close(): void;
}

/** What asking SPIRE takes. */
export interface SvidParts {
  readonly settings: JournalSettings;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

/**
 * Asks SPIRE where the configuration says so, and waits for its first word; for an identity, where
 * there is nothing else to begin with.
 */
export async function openJournalSvid(parts: SvidParts): Promise<JournalSvid | undefined> {
  const { settings, clock, random, log } = parts;
  const { identityProvider, spireSocket, nodeId } = settings;
  if (identityProvider === "self_signed" || identityProvider === "static") return undefined;
  const source = openSvidSource({
    socketPath: spireSocket,
    choice: { isOurs: (id) => isMember(id, nodeId) },
    isOptional: identityProvider === "auto" && spireSocket === DEFAULT_SPIRE_SOCKET,
    retryMaxMs: RETRY_MAX_MS,
    clock,
    random,
    log,
  });
  const svid = new Svid(source, parts);
  const limit = new AbortController();
  const timer = clock.setTimer(FIRST_LIMIT_MS, () => limit.abort());
  try {
    await source.identity({ signal: limit.signal, isPatient: needsSvid(settings) });
  } catch (error) {
    if (identityProvider === "spire") {
      const reason = error instanceof Error ? error.message : String(error);
      log.warn("no SVID from the SPIRE agent, beginning with other certificates", { reason });
    }
  } finally {
    clock.clearTimer(timer);
  }
  return svid;
}

/** Whether there is no other certificate to know this member by. */
function needsSvid({ identityProvider, members, tlsCert }: JournalSettings): boolean {
  return identityProvider === "spire" && members.length > 1 && tlsCert === undefined;
}

function isMember(id: SpiffeId, memberId: number): boolean {
  const part = pactPartOf(id);
  return part?.kind === "journal" && part.memberId === memberId;
}

class Svid implements JournalSvid {
  #known: SvidIdentity | undefined;
  #told: string | undefined;
  readonly #listeners = new Set<() => void>();

  constructor(private readonly source: SvidSource, private readonly parts: SvidParts) {
    this.#learn();
    source.onChange(() => {
      this.#learn();
      for (const listener of this.#listeners) listener();
    });
  }

  current(): SvidIdentity | undefined {
    const identity = this.source.held?.identity;
    const { nodeId } = this.parts.settings;
    return identity !== undefined && isMember(identity.svid.id, nodeId) ? identity : undefined;
  }

  trustDomains(): ReadonlyMap<string, string> {
    const { federatesWith } = this.parts.settings;
    return this.#known === undefined ? new Map() : trustedDomains(this.#known, federatesWith);
  }

  ownDomain(): ReadonlyMap<string, string> {
    return this.#known === undefined ? new Map() : trustedDomains(this.#known, []);
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#listeners.clear();
    this.source.close();
  }

  #learn(): void {
    const identity = this.source.held?.identity;
    if (identity === undefined) return;
    this.#known = identity;
    const { svid: { id } } = identity;
    const { nodeId } = this.parts.settings;
    if (isMember(id, nodeId) || this.#told === id.uri) return;
    this.#told = id.uri;
    this.parts.log.warn("the SVID does not name this journal and is not presented", {
      given: id.uri,
      wanted: `spiffe://${id.trustDomain}/pact/journal/${nodeId}`,
    });
  }
}
