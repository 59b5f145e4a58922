import type { agentport } from "../../api/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { nodePaths } from "../../contracts/mod.ts";
import type { Shim } from "../../ffi/mod.ts";
import type { EmergencyPowers } from "../calls/mod.ts";
import { type EmergencySession, EmergencySessions, WorkloadOverride } from "../emergency/mod.ts";
import type { Author, ReplayOutcome } from "../entries/mod.ts";
import { createProcessTable } from "../isolation/mod.ts";
import type { Convergence, DocumentStore } from "../window/mod.ts";

/*
 * Shell: emergencies as they concern this node: who opened one, and what it allows. Owns the record of
 * the open ones.
 */

export interface NodeEmergencyOptions {
  readonly shim: Shim;
  readonly clock: Clock;
  readonly log: Logger;
  readonly config: agentport.AgentConfig;
  readonly store: DocumentStore;
  readonly convergence: Pick<Convergence, "startEmergency" | "endEmergency">;
  /** Puts an event of a person on the record and waits until it is durable. @throws {AuditSinkError} */
  readonly auditFirst: (action: string, detail: string, author: Author) => Promise<void>;
  readonly forceUnmount: (image: string) => Promise<void>;
}

const DOCUMENT = "emergencies";

export class NodeEmergency implements EmergencyPowers {
  readonly #sessions: EmergencySessions;

  constructor(private readonly options: NodeEmergencyOptions) {
    const { store, log } = options;
    const save = (text: string) => store.save(DOCUMENT, text);
    try {
      this.#sessions = new EmergencySessions({ load: () => store.load(DOCUMENT), save });
    } catch (error) {
      log.error("emergencies of a former agent ignored", { error: String(error) });
      this.#sessions = new EmergencySessions({ load: () => undefined, save });
    }
  }

  session() {
    return this.#sessions.current;
  }

  /** One was opened or closed at the journal (EMM-1). */
  async take({ sessionId, scope, principal, reason, isOpen }: agentport.Emergency): Promise<void> {
    const place = scope === "node" ? "node" : "vcluster";
    // The journal cannot know yet of what was opened here, and says so when it does.
    if (place === "node" && this.#sessions.untold !== undefined) return;
    await this.#change(() => {
      if (isOpen) this.#sessions.opened({ id: sessionId, scope: place, principal, reason });
      else this.#sessions.closed(place);
    });
  }

  /** One was opened here, without a journal (EMM-8). */
  async openHere(session: EmergencySession): Promise<void> {
    await this.#change(() => this.#sessions.opened(session));
  }

  /** The node's own was ended here, without a journal. */
  async closeHere(): Promise<void> {
    await this.#change(() => this.#sessions.closed("node"));
  }

  /**
   * What had been opened here is in the journal now, or is not wanted there: then it is over (PRT-8).
   * Answers whether it was about that.
   */
  async replayed(requestId: string, outcome: ReplayOutcome): Promise<boolean> {
    const untold = this.#sessions.untold;
    if (untold?.requestId !== requestId) return false;
    if (outcome.kind === "appended") this.#sessions.told(`em-${outcome.sequence}`);
    else {
      const { id } = untold;
      this.options.log.error("emergency refused by the journal", { id, reason: outcome.reason });
      await this.closeHere();
    }
    return true;
  }

  /** While one covers this node nothing is rolled back or converged by itself (EMM-1). */
  async #change(change: () => void): Promise<void> {
    const { convergence, log } = this.options;
    const before = this.#sessions.current;
    change();
    const now = this.#sessions.current;
    if ((before === undefined) === (now === undefined)) return;
    const { id, principal } = now ?? before ?? {};
    log.warn(now === undefined ? "emergency closed" : "emergency opened", {
      session: id ?? "",
      principal: principal ?? "",
    });
    await (now === undefined ? convergence.endEmergency() : convergence.startEmergency());
  }

  async overrideWorkload(
    operation: "freeze" | "thaw" | "kill",
    session: { readonly id: string; readonly reason: string },
    author: Author,
  ): Promise<void> {
    const { shim, clock, config, auditFirst } = this.options;
    const override = new WorkloadOverride({
      tree: shim.files,
      cgroupRoot: nodePaths(config.root).cgroupRoot,
      processes: createProcessTable(shim.files, shim.processes),
      clock,
      kernelRelease: shim.system.names().release,
      record: async (action, detail) => {
        await auditFirst(action, detail, author);
        return { action, principal: { identity: author.principal } };
      },
    });
    const { id, reason } = session;
    const principal = author.principal;
    await override.perform(operation, { emergencySession: id, principal, reason });
  }

  async forceUnmount(
    image: string,
    { id, reason }: { readonly id: string; readonly reason: string },
    author: Author,
  ): Promise<void> {
    const { auditFirst, forceUnmount } = this.options;
    const detail = `asked for: unmount ${image} in emergency ${id}: ${reason}`;
    await auditFirst("mount.force_unmount", detail, author);
    await forceUnmount(image);
  }
}
