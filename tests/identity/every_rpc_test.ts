/**
 * Every call of every service with every kind of credential, against a real journal and a real agent:
 * what is expected stands in every_rpc/expected.txt, one line for each call.
 */
import assert from "node:assert/strict";
import { create, type DescMethod, type DescService } from "@bufbuild/protobuf";
import * as api from "../../api/mod.ts";
import { METHOD_CREDENTIALS } from "../../journal/access/mod.ts";
import {
  AGENT_NODE,
  type IdentityClients,
  type IdentitySite,
  MERCURY,
  type NodeCertificate,
  nodeScope,
  openIdentitySite,
  openRawConnection,
  type RawAnswer,
  type RawConnection,
  VENUS,
} from "../support/identity/mod.ts";
import { repositoryRoot, waitFor } from "../support/mod.ts";
import { callersOf, type Credential } from "./every_rpc/callers.ts";
import { openApprovals, openConflict, REQUESTS, type World } from "./every_rpc/requests.ts";
import { type Column, COLUMNS, readTable, type Row } from "./every_rpc/table.ts";

/** Services that pact is a client of. */
const OTHERS = /^(lattice\.|etcdserverpb\.|SpiffeWorkloadAPI$)/;

/** Where a service is served; the API listener has all others. */
const LISTENERS: Readonly<Record<string, "raft" | "agent">> = {
  "raft_hpc.v1.RaftService": "raft",
  "pact.shell.ShellService": "agent",
};

const table = readTable(
  await Deno.readTextFile(`${repositoryRoot}tests/identity/every_rpc/expected.txt`),
);

const services = Object.values(api).flatMap((names) => Object.values(names).filter(isService))
  .filter(({ typeName }) => !OTHERS.test(typeName));

const methods: ReadonlyMap<string, DescMethod> = new Map(
  services.flatMap((service) =>
    service.methods.map((method) => [`${service.typeName}/${method.name}`, method] as const)
  ),
);

Deno.test("API-3: the table of expected answers holds every method of every service, and no other", () => {
  const expected = table.map(({ method }) => method).sort();
  assert.deepEqual(expected, [...methods.keys()].sort());
});

Deno.test("API-3: the journal has a rule for the credentials of every method it serves, and for no other", () => {
  const served = [...methods].filter(([, { parent }]) => LISTENERS[parent.typeName] === undefined)
    .map(([name]) => name);
  assert.deepEqual(Object.keys(METHOD_CREDENTIALS).sort(), served.sort());
});

Deno.test("P1 P2 P3: every call answers every kind of credential as the table says", async () => {
  await using site = await openIdentitySite();
  const addresses = {
    api: site.quorum.place(1).api,
    raft: site.quorum.place(1).raft,
    agent: await site.startAgent(),
  };
  const { world, callers } = await furnish(site);
  using owned = new DisposableStack();
  const connections = new Map<string, RawConnection>();
  const connectionOf = (listener: keyof typeof addresses, column: Column) => {
    const key = `${listener} ${column}`;
    const known = connections.get(key);
    if (known !== undefined) return known;
    const target = {
      address: addresses[listener],
      caPem: site.caPem,
      ...(listener === "agent" ? { serverName: AGENT_NODE } : {}),
    };
    const opened = owned.use(openRawConnection({ ...target, ...callers[column].certificate }));
    connections.set(key, opened);
    return opened;
  };
  const cells = table.flatMap((row) => COLUMNS.map((column) => ({ row, column })));
  const failures = await inParallel(cells, async ({ row, column }) => {
    const method = methods.get(row.method);
    if (method === undefined) return [];
    const connection = connectionOf(LISTENERS[method.parent.typeName] ?? "api", column);
    return await judge(world, row, column, method, connection, callers[column]);
  });
  const text = failures.flat().join("\n");
  assert.ok(text === "", `${text}\n\n${site.logs()}`);
});

/** What is wrong with one answer. */
async function judge(
  world: World,
  row: Row,
  column: Column,
  method: DescMethod,
  connection: RawConnection,
  { headers }: Credential,
): Promise<string[]> {
  const request = REQUESTS[row.method];
  const message = await request?.make(world) ?? create(method.input);
  const answer = await connection.call(method, message, headers);
  const expected = row.expected.get(column);
  const isFiltered = [...row.expected.values()].includes("E");
  const actual = letterOf(answer, request?.refusals ?? [], isFiltered);
  const where = `${row.method} ${column}`;
  return [
    ...(actual === expected
      ? []
      : [`${where}: ${expected} expected, got ${shown(answer, actual)}`]),
    ...(tellsTooMuch(answer, headers)
      ? [`${where}: tells too much: ${shown(answer, actual)}`]
      : []),
  ];
}

/** The letter of the legend for an answer. */
function letterOf(answer: RawAnswer, refusals: readonly string[], isFiltered: boolean): string {
  if (answer.kind === "no connection") return "x";
  if (answer.kind === "http") return `HTTP ${answer.status}`;
  // Decisions on approvals say in the trailer that they were refused (API-42).
  if (answer.kind === "ended" && answer.status === 0 && /_DENIED|SELF/.test(answer.code)) {
    return "D";
  }
  if (answer.kind === "open" || answer.status === 0) {
    return isFiltered && !answer.text.includes(MERCURY) ? "E" : "A";
  }
  if (answer.code === "NODE_REVOKED") return "R";
  const letters: Readonly<Record<number, string>> = { 7: "D", 12: "-", 16: "U" };
  return letters[answer.status] ?? (refusals.includes(answer.code) ? "F" : answer.code);
}

/** API-10: no cause, no place in the program, nothing of a credential. */
function tellsTooMuch(answer: RawAnswer, headers: Credential["headers"]): boolean {
  if (answer.kind !== "ended") return false;
  const credential = headers["authorization"]?.slice("Bearer ".length);
  return /\.ts\b|node_modules|\bat \w+ \(|-----BEGIN|eyJ/.test(answer.message) ||
    (credential !== undefined && answer.message.includes(credential));
}

function shown(answer: RawAnswer, letter: string): string {
  return answer.kind === "ended"
    ? `${letter} (${answer.code || answer.status} ${answer.message})`
    : `${letter} (${answer.kind})`;
}

/** Two vClusters with something in them, and everybody's credentials. */
async function furnish(site: IdentitySite) {
  const own = await site.enroll("mercury-2", MERCURY);
  const other = await site.enroll("venus-1", VENUS);
  const revoked = await site.enroll("mercury-3", MERCURY);
  const admin = await site.as();
  await revoke(site, admin, revoked);
  const nodeClients = site.asNode(own);
  await nodeClients.fleet.reportCapability({ nodeId: own.nodeId });
  const scope = nodeScope(own.nodeId);
  await admin.config.appendEntry({
    entry: {
      entryType: api.config.EntryType.EMERGENCY_START,
      scope,
      emergencyReason: "a pump has failed",
    },
  });
  const { sequence } = await nodeClients.config.appendEntry({
    entry: { entryType: api.config.EntryType.COMMIT, scope, message: "of mercury" },
  });
  let drawn = 0;
  const pending = await openApprovals(site, COLUMNS.length);
  const world: World = { site, node: own, nodeClients, sequence, pending, fresh: () => ++drawn };
  await openConflict(world);
  return { world, callers: await callersOf(site, { own, other, revoked }) };
}

/** Revokes a certificate, until the connection that presented it has been ended (CRT-6). */
async function revoke(
  site: IdentitySite,
  { enrollment }: IdentityClients,
  certificate: NodeCertificate,
): Promise<void> {
  using connection = openRawConnection({
    address: site.quorum.place(1).api,
    caPem: site.caPem,
    ...certificate,
  });
  const { check } = api.health.Health.method;
  await connection.call(check, create(check.input));
  await enrollment.decommissionNode({ nodeId: certificate.nodeId, force: true });
  await waitFor(() => connection.isClosed, { what: "the end of a revoked connection" });
}

/** Refusals come a second late after the first sixty (AUT-12), so that many wait at once. */
async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const left = items.values();
  const worker = async () => {
    for (const item of left) results.push(await work(item));
  };
  await Promise.all(Array.from({ length: 48 }, worker));
  return results;
}

function isService(value: unknown): value is DescService {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "service";
}
