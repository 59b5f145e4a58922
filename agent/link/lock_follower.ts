import { create, fromBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { lock, type stream } from "../../api/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import type { JournalSession } from "./session.ts";

/** Keeps what the node knows of locks as new as the journal's. */
export class LockFollower {
  #known = create(lock.ListLocksResponseSchema);

  constructor(
    private readonly log: Logger,
    private readonly onLocks: (locks: lock.ListLocksResponse) => void,
  ) {}

  /** Asks for every lock; whatever changes from now on is in the updates. */
  async refresh(session: Pick<JournalSession, "locks">): Promise<void> {
    try {
      this.#tell(await session.locks());
    } catch (error) {
      // A journal of an earlier version has none.
      const isUnknown = error instanceof ConnectError && error.code === Code.Unimplemented;
      if (!isUnknown) throw error;
    }
  }

  /** Takes what an update says of locks. */
  heard(update: stream.ConfigUpdate["update"]): void {
    if (update.case !== "lockChange") return;
    this.#tell(fromBinary(lock.ListLocksResponseSchema, update.value));
  }

  /** The journal refused this node because it is locked: nobody else may come in either. */
  refused(nodeId: string, message: string): void {
    const said = /^LOCKED: node (\S+) is locked: (.*)$/s.exec(message);
    // At its enrolment a node learns from the refusal who it is.
    const name = nodeId === "" ? said?.[1] ?? "" : nodeId;
    const own = create(lock.LockSchema, { kind: "node", name, reason: said?.[2] ?? message });
    const others = this.#known.locks.filter((other) =>
      other.kind !== "node" || other.name !== name
    );
    this.log.warn("this node is locked", { reason: message });
    this.#tell(create(lock.ListLocksResponseSchema, { locks: [...others, own] }));
  }

  #tell(locks: lock.ListLocksResponse): void {
    this.#known = locks;
    this.onLocks(locks);
  }
}
