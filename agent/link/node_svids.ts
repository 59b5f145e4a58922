/**
 * The SVIDs of this node, and whom SPIRE lets it believe. It owns the stream to the machine's SPIFFE
 * agent and ends by `close`.
 */
import { Code, ConnectError } from "@connectrpc/connect";
import type { agentport } from "../../api/mod.ts";
import { pactPartOf, type SpiffeId } from "../../common/certificate/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import {
  type HeldSvid,
  openSvidSource,
  type SvidIdentity,
  type SvidSource,
  trustedDomains,
} from "../../common/spiffe/mod.ts";
import { enrolBySvid, type Hardware } from "./enroll.ts";
import { type JournalAddress, journalTransport } from "./session.ts";

/** How SPIRE is asked. */
export interface SpireOptions {
  readonly socketPath: string;
  /** The one identity that will do; else the first of the form `/pact/agent/NODE`. */
  readonly spiffeId: string | undefined;
  /** Longest wait between two tries (ROT-5). */
  readonly retryMs: number;
  /** Foreign trust domains whose journals are spoken with. */
  readonly federatesWith: readonly string[];
  /** That there is no agent is no news. */
  readonly isOptional: boolean;
}

/** What the source is run with. */
export interface NodeSvidsParts {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

/** See the head of this file. */
export class NodeSvids {
  readonly #source: SvidSource;
  /** SPIRE's last word: its bundles outlive the SVID that they came with. */
  #known: SvidIdentity | undefined;
  /** The SVID that a journal would not have. */
  #refusedSerial: string | undefined;

  constructor(private readonly options: SpireOptions, parts: NodeSvidsParts) {
    const { socketPath, spiffeId, isOptional, retryMs } = options;
    this.#source = openSvidSource({
      ...parts,
      socketPath,
      choice: { spiffeId, isOurs: isAgent },
      isOptional,
      retryMaxMs: retryMs,
    });
    this.#source.onChange((held) => this.#known = held?.identity ?? this.#known);
  }

  /** The SVID in force; one that the journal refused is none. */
  get held(): HeldSvid | undefined {
    const held = this.#source.held;
    return held?.identity.svid.serialHex === this.#refusedSerial ? undefined : held;
  }

  /** Whether asking makes sense: an SVID is there, or the agent has not said anything yet. */
  get mayGive(): boolean {
    const { held, trouble } = this.#source;
    return held === undefined ? trouble === undefined : this.held !== undefined;
  }

  /** The bundles that journals are recognised by, as PEM by trust domain. */
  get trustDomains(): ReadonlyMap<string, string> {
    return this.#known === undefined
      ? new Map()
      : trustedDomains(this.#known, this.options.federatesWith);
  }

  /** Told when there is another SVID, when it ages, and when there is none any more. */
  onChange(listener: () => void): () => void {
    return this.#source.onChange(listener);
  }

  /** The SVID, or the agent's first word why there is none. @throws {SpiffeError} */
  async identity(signal: AbortSignal): Promise<SvidIdentity> {
    return await this.#source.identity({ signal, isPatient: false });
  }

  /**
   * Enrols under an SVID, over a connection of its own (NEN-11).
   *
   * @throws {ConnectError} the journal's refusal.
   */
  async enrol(
    address: JournalAddress,
    hardware: Hardware,
    identity: SvidIdentity,
  ): Promise<agentport.NodeIdentity> {
    const { chainPem: certPem, keyPem, serialHex } = identity.svid;
    const transport = journalTransport(address, { certPem, keyPem });
    try {
      return await enrolBySvid(transport, hardware, identity);
    } catch (error) {
      if (isRefusal(error)) this.#refusedSerial = serialHex;
      throw error;
    } finally {
      transport.close();
    }
  }

  close(): void {
    this.#source.close();
  }
}

/** Whether a journal that answers does not take SVIDs, or not this one. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof ConnectError)) return false;
  return error.code === Code.Unauthenticated || error.code === Code.InvalidArgument;
}

function isAgent(id: SpiffeId): boolean {
  return pactPartOf(id)?.kind === "agent";
}
