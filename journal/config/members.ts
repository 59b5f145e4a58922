import { isIPv6 } from "node:net";
import { z } from "zod";
import { ConfigError } from "../../common/config/mod.ts";

/** Ports of a member where nobody says otherwise (JRN-3). */
const API_PORT = 9443;
const RAFT_PORT = 9444;

/** Most members a list may name: five vote in practice, the rest are learners (JRN-61). */
const MAX_MEMBERS = 63;
const MAX_NODE_ID = 2 ** 32 - 1;

/** A member of the quorum: where the other members and the clients find it, as `HOST:PORT`. */
export interface ConfiguredMember {
  readonly id: number;
  readonly raft: string;
  readonly api: string;
}

/** One item of a list, as written. */
interface Item {
  readonly id: number;
  readonly host: string;
  readonly port: number;
}

/** Both lists as they were given; the ports that complete them stand elsewhere. */
export interface MemberLists {
  /** `[journal.raft] members`: Raft ports. */
  readonly members: readonly (Item | ConfiguredMember)[];
  /** `--peers` or `PACT_JOURNAL_PEERS`: ports of the API. */
  readonly peers: readonly Item[];
}

/** The ports of this member, which every other one is taken to use too. */
export interface MemberPorts {
  readonly api: number;
  readonly raft: number;
}

/** `HOST:PORT`, an IPv6 address in brackets. */
export const AddressSchema = z.string().transform((text, context): string => {
  const address = /^(.+):([0-9]{1,5})$/.exec(text);
  const port = portOf(address?.[2]);
  if (isHost(address?.[1]) && port !== undefined) return text;
  context.addIssue({ code: "custom", message: `'${text}' is not HOST:PORT` });
  return z.NEVER;
});

const TextItemSchema = itemSchema(
  ":",
  "'ID:HOST:PORT' with the Raft port, such as \"1:journal-1.mgmt:9444\"",
);

const TableItemSchema = z.strictObject({
  id: z.number().int().min(1).max(MAX_NODE_ID),
  raft: AddressSchema,
  api: AddressSchema,
});

/** `[journal.raft] members`: `"ID:HOST:RAFT_PORT"`, or a table that names both addresses. */
export const MembersSchema = z.array(
  // Not a union: its refusal would not name the item.
  z.unknown().transform((value, context): Item | ConfiguredMember => {
    const schema = typeof value === "string" ? TextItemSchema : TableItemSchema;
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    for (const { message, path } of parsed.error.issues) {
      context.addIssue({ code: "custom", message, path: [...path] });
    }
    return z.NEVER;
  }),
).max(MAX_MEMBERS);

/** `PACT_JOURNAL_PEERS`: `ID=HOST:PORT` with the port of the API. */
export const PeersSchema = z.array(
  itemSchema("=", "ID=HOST:PORT with the port of the API, such as 1=journal-1.mgmt:9443"),
).max(MAX_MEMBERS);

function itemSchema(separator: string, form: string) {
  const pattern = new RegExp(`^([1-9][0-9]{0,9})${separator}(.+):([0-9]{1,5})$`);
  return z.string().transform((text, context): Item => {
    const [, id, host, portText] = pattern.exec(text) ?? [];
    const port = portOf(portText);
    if (isHost(host) && port !== undefined && Number(id) <= MAX_NODE_ID) {
      return { id: Number(id), host, port };
    }
    const hint = (host?.includes(":") ?? false) ? ", an IPv6 address in brackets" : "";
    context.addIssue({ code: "custom", message: `member '${text}' is not ${form}${hint}` });
    return z.NEVER;
  });
}

function portOf(text: string | undefined): number | undefined {
  const port = Number(text);
  return port >= 1 && port <= 65_535 ? port : undefined;
}

function isHost(text: string | undefined): text is string {
  if (text === undefined) return false;
  const inBrackets = /^\[(.*)\]$/.exec(text)?.[1];
  return inBrackets === undefined
    ? /^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$/.test(text)
    : isIPv6(inBrackets);
}

/**
 * The configured members: those of the file where it names any, else the peers (JRN-54). A list
 * gives one of a member's two ports; the other is the one this member uses itself.
 *
 * @throws {ConfigError} when two members share an id or an address.
 */
export function resolveMembers(
  lists: MemberLists,
  own: MemberPorts,
): { readonly members: readonly ConfiguredMember[]; readonly warnings: readonly string[] } {
  // A port of 0 takes any free one, which says nothing about where the others are.
  const ports = { api: own.api || API_PORT, raft: own.raft || RAFT_PORT };
  const fromFile = lists.members.map((item) => "raft" in item ? item : withRaftPort(item, ports));
  const fromPeers = lists.peers.map((item) => withApiPort(item, ports));
  const members = fromFile.length > 0 ? fromFile : fromPeers;
  requireDistinct(members);
  const warnings: string[] = [];
  if (fromFile.length > 0 && fromPeers.length > 0 && !isSame(fromFile, fromPeers)) {
    warnings.push(
      "PACT_JOURNAL_PEERS (--peers) names other members than journal.raft.members, which counts (JRN-54)",
    );
  }
  for (const item of lists.members) {
    if ("raft" in item || item.port !== ports.api) continue;
    warnings.push(
      `journal.raft.members: ${ports.api} is the port of the API; member ${item.id} is taken to have its ` +
        `Raft port at ${ports.raft}`,
    );
  }
  if (members.length > 0 && members.length % 2 === 0) {
    warnings.push(
      `${members.length} members tolerate no more failures than ${
        members.length - 1
      }: use an odd number`,
    );
  }
  return { members, warnings };
}

/** An item whose port is the Raft port; the port of the API there is a mistake with one meaning. */
function withRaftPort({ id, host, port }: Item, ports: MemberPorts): ConfiguredMember {
  const raftPort = port === ports.api ? ports.raft : port;
  return { id, raft: `${host}:${raftPort}`, api: `${host}:${ports.api}` };
}

/** An item whose port is that of the API, unless it is the Raft port (JRN-54). */
function withApiPort({ id, host, port }: Item, ports: MemberPorts): ConfiguredMember {
  const apiPort = port === ports.raft ? ports.api : port;
  return { id, raft: `${host}:${ports.raft}`, api: `${host}:${apiPort}` };
}

function requireDistinct(members: readonly ConfiguredMember[]): void {
  const holders = new Map<string, number>();
  const ids = new Set<number>();
  for (const { id, raft, api } of members) {
    if (ids.has(id)) throw new ConfigError(`two members have the id ${id}: each needs its own`);
    ids.add(id);
    for (const address of new Set([raft, api])) {
      const holder = holders.get(address);
      if (holder !== undefined) {
        throw new ConfigError(`members ${holder} and ${id} have the same address ${address}`);
      }
      holders.set(address, id);
    }
    if (raft === api) {
      throw new ConfigError(`member ${id} has one address for Raft and the API: ${raft}`);
    }
  }
}

function isSame(left: readonly ConfiguredMember[], right: readonly ConfiguredMember[]): boolean {
  const text = (members: readonly ConfiguredMember[]) =>
    members.map(({ id, raft, api }) => `${id} ${raft} ${api}`).sort().join("\n");
  return text(left) === text(right);
}

/** The names and addresses under which members are reached, IPv6 without brackets. */
export function memberHosts(members: readonly ConfiguredMember[]): string[] {
  const hostOf = (address: string) => address.replace(/:[0-9]+$/, "").replaceAll(/^\[|\]$/g, "");
  return [...new Set(members.flatMap(({ raft, api }) => [hostOf(raft), hostOf(api)]))];
}
