import type { agentport } from "../../api/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { nodePaths } from "../../contracts/mod.ts";
import type { Shim } from "../../ffi/mod.ts";
import type { EmergencyPowers } from "../calls/mod.ts";
import { EmergencySessions, WorkloadOverride } from "../emergency/mod.ts";
import type { Author } from "../entries/mod.ts";
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
    const { convergence, log } = this.options;
    const wasOpen = this.#sessions.current !== undefined;
    const place = scope === "node" ? "node" : "vcluster";
    if (isOpen) this.#sessions.opened({ id: sessionId, scope: place, principal, reason });
    else this.#sessions.closed(place);
    const isNowOpen = this.#sessions.current !== undefined;
    if (wasOpen === isNowOpen) return;
    log.warn(isNowOpen ? "emergency opened" : "emergency closed", {
      session: sessionId,
      principal,
    });
    await (isNowOpen ? convergence.startEmergency() : convergence.endEmergency());
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
