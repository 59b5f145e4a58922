import { FORMATS, NEWEST_FORMAT } from "../log/mod.ts";
import type { MemberAddress, PeerNetwork } from "../peers/mod.ts";
import type { Membership, NodeId } from "../raft/mod.ts";

type RosterNetwork = Pick<PeerNetwork, "setMembers" | "recordFormatOf">;

/** Who belongs to the quorum and where they are, as this member knows it. */
export class Roster {
  readonly #self: NodeId;
  #membership: Membership;
  #addresses: ReadonlyMap<NodeId, MemberAddress>;
  #network: RosterNetwork | undefined;

  constructor(self: NodeId, membership: Membership, configured: readonly MemberAddress[]) {
    this.#self = self;
    this.#membership = membership;
    this.#addresses = byId(configured);
  }

  /** The applied membership. */
  get membership(): Membership {
    return this.#membership;
  }

  get addresses(): ReadonlyMap<NodeId, MemberAddress> {
    return this.#addresses;
  }

  /** Whether this member's word alone is a majority. */
  get isAlone(): boolean {
    const { voters, votersOutgoing } = this.#membership;
    return voters.length === 1 && voters[0] === this.#self && votersOutgoing.length === 0;
  }

  get isVoter(): boolean {
    const { voters, votersOutgoing } = this.#membership;
    return voters.includes(this.#self) || votersOutgoing.includes(this.#self);
  }

  /**
   * The newest form of records that every member reads. Whoever is not there now may come back in an
   * older version, which reads none but the first (DEP-91).
   */
  get recordFormat(): number {
    const { voters, votersOutgoing, learners } = this.#membership;
    if (voters.length === 0) return FORMATS.named;
    let newest = NEWEST_FORMAT;
    for (const ids of [voters, votersOutgoing, learners]) {
      for (const id of ids) {
        if (id === this.#self) continue;
        newest = Math.min(newest, this.#network?.recordFormatOf(id) ?? FORMATS.named);
      }
    }
    return newest;
  }

  /** Tells the network of every change from now on. */
  follow(network: RosterNetwork | undefined): void {
    this.#network = network;
    this.#tell();
  }

  setMembership(membership: Membership): void {
    this.#membership = membership;
    this.#tell();
  }

  setAddresses(addresses: readonly MemberAddress[]): void {
    if (addresses.length === 0) return;
    this.#addresses = byId(addresses);
    this.#tell();
  }

  /** Before there is a membership everybody configured may speak, for one of them brings it. */
  #tell(): void {
    const { voters, votersOutgoing, learners } = this.#membership;
    const ids = new Set([...voters, ...votersOutgoing, ...learners]);
    const all = [...this.#addresses.values()];
    const members = ids.size === 0 ? all : all.filter(({ id }) => ids.has(id));
    this.#network?.setMembers(members.filter(({ id }) => id !== this.#self));
  }
}

function byId(addresses: readonly MemberAddress[]): ReadonlyMap<NodeId, MemberAddress> {
  return new Map(addresses.map((each) => [each.id, each]));
}
