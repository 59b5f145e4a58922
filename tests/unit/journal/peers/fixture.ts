import { type Clock, systemClock } from "../../../../common/clock/mod.ts";
import { createLogger, type Logger } from "../../../../common/log/mod.ts";
import {
  type MemberAddress,
  type OpenPeerNetwork,
  openPeerNetwork,
  type PeerDirectories,
  type PeerHandler,
  type PeerNetworkOptions,
  type PeerTls,
  type RefusalReason,
  type SnapshotFile,
} from "../../../../journal/peers/mod.ts";
import { type Entry, type Message, message, type NodeId } from "../../../../journal/raft/mod.ts";
import { createTestPki, type TestPki } from "../../../support/mod.ts";

/** What a member has been told. */
export interface Heard {
  readonly messages: { readonly from: NodeId; readonly message: Message }[];
  readonly unreachable: NodeId[];
  readonly refused: RefusalReason[];
  readonly duplicates: string[];
  readonly displaced: string[];
  readonly clusterIds: string[];
  readonly snapshots: { readonly message: Message; readonly file: SnapshotFile }[];
  readonly snapshotReports: { readonly peer: NodeId; readonly isDelivered: boolean }[];
}

/** A member's network with a handler that notes everything. */
export interface TestMember extends AsyncDisposable {
  readonly id: NodeId;
  readonly network: OpenPeerNetwork;
  readonly heard: Heard;
  readonly log: string[];
  address(): MemberAddress;
}

/** What a test may choose of a member. */
export interface TestMemberOptions {
  readonly clusterId?: string | undefined;
  readonly instanceId?: string;
  readonly tls?: PeerTls;
  readonly port?: number;
  readonly onCall?: PeerHandler["onCall"];
  readonly onMessages?: PeerHandler["onMessages"];
  readonly snapshotDir?: string;
  readonly limits?: PeerNetworkOptions["limits"];
  readonly clock?: Clock;
  readonly directoryId?: string;
  readonly recordFormat?: number;
  readonly directories?: PeerDirectories;
}

/** The certificates of a member. */
export async function memberTls(pki: TestPki, id: NodeId): Promise<PeerTls> {
  const { fullChainPem, keyPem } = await pki.member(id);
  return { certPem: fullChainPem, keyPem, caPem: pki.caPem };
}

let instances = 0;

/** Opens a member's network on a free port of loopback; its cluster is `c1` unless named. */
export async function openMember(
  /** Not needed where the options name certificates. */
  pki: TestPki | undefined,
  id: NodeId,
  options: TestMemberOptions = {},
): Promise<TestMember> {
  const heard: Heard = {
    messages: [],
    unreachable: [],
    refused: [],
    duplicates: [],
    displaced: [],
    clusterIds: [],
    snapshots: [],
    snapshotReports: [],
  };
  const lines: string[] = [];
  let clusterId = "clusterId" in options ? options.clusterId : "c1";
  const handler: PeerHandler = {
    onMessages: options.onMessages ??
      ((from, messages) => {
        for (const message of messages) heard.messages.push({ from, message });
      }),
    onUnreachable: (peer) => void heard.unreachable.push(peer),
    onDuplicate: (_peer, text) => void heard.duplicates.push(text),
    onDisplaced: (_peer, text) => void heard.displaced.push(text),
    onSnapshotReported: (peer, isDelivered) =>
      void heard.snapshotReports.push({ peer, isDelivered }),
    incomingSnapshotPath: (sha256) => `${options.snapshotDir ?? ""}/incoming-${sha256}.db`,
    onSnapshot: (_from, message, file) => void heard.snapshots.push({ message, file }),
    onCall: options.onCall ?? ((_from, _kind, data) => Promise.resolve(data)),
  };
  const network = await openPeerNetwork({
    self: {
      id,
      instanceId: options.instanceId ?? `instance-${++instances}`,
      ...options.directoryId !== undefined && { directoryId: options.directoryId },
      ...options.recordFormat !== undefined && { recordFormat: options.recordFormat },
    },
    ...options.directories && { directories: options.directories },
    clusterId: () => clusterId,
    onClusterId: (id) => {
      clusterId = id;
      heard.clusterIds.push(id);
    },
    listen: { hostname: "127.0.0.1", port: options.port ?? 0 },
    tls: options.tls ?? await memberTls(pki ?? await createTestPki(), id),
    handler,
    clock: options.clock ?? systemClock,
    random: Math.random,
    log: lineLogger(lines),
    onRefused: (reason) => void heard.refused.push(reason),
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  });
  return {
    id,
    network,
    heard,
    log: lines,
    address: () => ({ id, raft: `127.0.0.1:${network.port}`, api: "127.0.0.1:1" }),
    [Symbol.asyncDispose]: () => network.close(),
  };
}

/** Makes every member know every other. */
export function introduce(...members: readonly TestMember[]): void {
  const addresses = members.map((member) => member.address());
  for (const { network, id } of members) {
    network.setMembers(addresses.filter((address) => address.id !== id));
  }
}

export function raftMessage(from: NodeId, to: NodeId, draft: Partial<Message> = {}): Message {
  return message({ type: "Heartbeat", term: 1, ...draft, from, to });
}

export function append(from: NodeId, to: NodeId, index: number, entries: Entry[]): Message {
  return raftMessage(from, to, { type: "App", index, logTerm: index === 0 ? 0 : 1, entries });
}

export function entry(index: number, bytes: number): Entry {
  return { kind: "normal", term: 1, index, data: new Uint8Array(bytes).fill(index % 251) };
}

function lineLogger(lines: string[]): Logger {
  return createLogger({
    component: "peers",
    level: "debug",
    format: "text",
    nowMs: () => 0,
    write: (line) => void lines.push(line),
  });
}
