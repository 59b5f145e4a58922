import type { NodeId } from "../raft/mod.ts";

/** A connection with one process of a member. */
export interface LiveLink {
  readonly instanceId: string;
  /** Asks the process for a sign of life; false when none comes within a few seconds. */
  probe(): Promise<boolean>;
  /** Ends the connection. */
  end(): void;
}

/** How often links that came up in the meantime are looked at before the claim counts as lost. */
const MAX_ROUNDS = 3;

/**
 * Which processes speak for which member. Two processes with one node id are told apart by their
 * instance ids: as long as the first one shows signs of life, the second is not let in, whereas a
 * process that was started again finds that its predecessor shows none.
 */
export class Instances {
  readonly #links = new Map<NodeId, Set<LiveLink>>();

  /** Whether there is a connection with another process of the member. Asks nobody. */
  hasOther(member: NodeId, instanceId: string): boolean {
    return this.#others(member, instanceId).length > 0;
  }

  /**
   * Lets the link's process speak for the member, unless another one lives that does. Links of
   * processes that are gone are ended.
   *
   * @returns what takes the link out again; undefined when it is not let in
   */
  async claim(member: NodeId, link: LiveLink): Promise<(() => void) | undefined> {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const others = this.#others(member, link.instanceId);
      // In one step with the look at the others: two that come at once do not both get in.
      if (others.length === 0) return this.#add(member, link);
      const signs = await Promise.all(others.map((other) => other.probe()));
      if (signs.includes(true)) return undefined;
      for (const other of others) {
        other.end();
        // Its end takes a while, and nothing of it counts any more.
        this.#links.get(member)?.delete(other);
      }
    }
    return undefined;
  }

  #add(member: NodeId, link: LiveLink): () => void {
    const links = this.#links.get(member) ?? new Set();
    this.#links.set(member, links.add(link));
    return () => {
      links.delete(link);
      if (links.size === 0 && this.#links.get(member) === links) this.#links.delete(member);
    };
  }

  #others(member: NodeId, instanceId: string): LiveLink[] {
    const links = this.#links.get(member) ?? [];
    return [...links].filter((link) => link.instanceId !== instanceId);
  }
}
