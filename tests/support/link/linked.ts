/** A real journal, and a link to it as an agent's worker has one. */
import type { agentport, journal, stream } from "../../../api/mod.ts";
import {
  type BootstrapFiles,
  type JournalLink,
  type LinkStateReport,
  type SpireOptions,
  startJournalLink,
} from "../../../agent/link/mod.ts";
import { type Clock, systemClock } from "../../../common/clock/mod.ts";
import { type Logger, silentLogger } from "../../../common/log/mod.ts";
import { present } from "../../../common/wire/mod.ts";
import { waitFor } from "../wait_for.ts";
import type { JournalSite } from "../journal/mod.ts";

export interface LinkTuning {
  readonly endpoints?: readonly string[];
  readonly identity?: agentport.NodeIdentity;
  readonly clock?: Clock;
  readonly buildDateMs?: number;
  readonly caPem?: string;
  readonly mayTrustFirst?: boolean;
  readonly pinnedPem?: string;
  readonly random?: () => number;
  /** The core hands in at once what it has; else the test does. */
  readonly resumesByHand?: boolean;
  readonly spire?: SpireOptions;
  readonly bootstrap?: BootstrapFiles;
  readonly isStatic?: boolean;
  readonly identityTimeoutMs?: number;
  readonly log?: Logger;
}

/** A link and everything it told. */
export class Linked implements Disposable {
  readonly states: LinkStateReport[] = [];
  readonly identities: agentport.NodeIdentity[] = [];
  readonly anchors: string[] = [];
  /** Whose tokens the journal took, each time that it said so. */
  readonly issuers: (stream.TokenIssuer | undefined)[] = [];
  readonly declared: agentport.DeclaredConfig[] = [];
  readonly maps: journal.UidMap[] = [];
  readonly emergencies: agentport.Emergency[] = [];
  readonly link: JournalLink;

  constructor(site: JournalSite, macAddress: string, tuning: LinkTuning = {}) {
    this.link = startJournalLink({
      endpoints: tuning.endpoints ?? [`https://127.0.0.1:${site.journal.rpcPort}`],
      anchor: {
        givenPem: tuning.caPem ?? site.caPem,
        mayTrustFirst: tuning.mayTrustFirst ?? false,
        pinnedPem: tuning.pinnedPem ?? "",
      },
      hardware: { mac: macAddress },
      identity: tuning.identity,
      clock: tuning.clock ?? systemClock,
      random: tuning.random ?? (() => 0.5),
      log: tuning.log ?? silentLogger,
      spire: tuning.spire,
      bootstrap: tuning.bootstrap,
      isStatic: tuning.isStatic ?? false,
      ...present("buildDateMs", tuning.buildDateMs),
      ...present("identityTimeoutMs", tuning.identityTimeoutMs),
      events: {
        onState: (state) => {
          this.states.push(state);
          if (state.connected && tuning.resumesByHand !== true) {
            queueMicrotask(() => this.link.resume());
          }
        },
        onIdentity: (identity) => this.identities.push(identity),
        onDeclared: (declared) => this.declared.push(declared),
        onEmergency: (emergency) => this.emergencies.push(emergency),
        onTokenIssuer: (issuer) => this.issuers.push(issuer),
        onAnchor: (certificatesPem) => this.anchors.push(certificatesPem),
        onIdentityMap: (map) => this.maps.push(map),
      },
    });
  }

  /** Waits until the newest declaration is as wanted. */
  async until(
    what: string,
    isWanted: (declared: agentport.DeclaredConfig) => boolean,
    timeoutMs?: number,
  ): Promise<agentport.DeclaredConfig> {
    return await this.#within(timeoutMs, what, () => {
      const newest = this.declared.at(-1);
      return newest !== undefined && isWanted(newest) && newest;
    });
  }

  /** Waits until a state as wanted has been told. */
  async told(
    what: string,
    isWanted: (state: LinkStateReport) => boolean,
    timeoutMs?: number,
  ): Promise<LinkStateReport> {
    return await this.#within(timeoutMs, what, () => this.states.find(isWanted));
  }

  /** Waits, and says what the link told instead when the time is up. */
  async #within<T>(timeoutMs: number | undefined, what: string, condition: () => T) {
    try {
      return await waitFor(condition, { what, ...timeoutMs !== undefined && { timeoutMs } });
    } catch (error) {
      const told = this.states.map(({ connected, reason, code }) => ({ connected, reason, code }));
      throw new Error(`the link told ${JSON.stringify(told)}`, { cause: error });
    }
  }

  [Symbol.dispose](): void {
    this.link.close();
  }
}
