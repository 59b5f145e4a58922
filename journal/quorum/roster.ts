import type { MemberAddress, PeerNetwork } from "../peers/mod.ts";
import type { Membership, NodeId } from "../raft/mod.ts";

/** Who belongs to the quorum and where they are, as this member knows it. */
export class Roster {
  readonly #self: NodeId;
  #membership: Membership;
  #addresses: ReadonlyMap<NodeId, MemberAddress>;
  #network: Pick<PeerNetwork, "setMembers"> | undefined;

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

  /** Tells the network of every change from now on. */
  follow(network: Pick<PeerNetwork, "setMembers"> | undefined): void {
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
