/**
 * etcd and pact as clusters of real processes on loopback, in directories below one given. Each owns
 * its processes and ends with its scope. Members speak mutual TLS with each other, pact's always and
 * etcd's unless asked otherwise; both serve clients in cleartext, which is etcd's default.
 */
import { stringify } from "smol-toml";
import { initCa, issueMember } from "../../journal/certs/mod.ts";
import { freePort, repositoryRoot, spawnDeno, waitFor } from "../../tests/support/mod.ts";
import { mintToken, newTokenSecret } from "../../tests/support/site/mod.ts";
import { loopbackCertificate } from "../loopback_certificate.ts";
import { runtimeFlags } from "../../tools/compile/mod.ts";

/** A cluster that serves. */
export interface Cluster extends AsyncDisposable {
  readonly name: "etcd" | "pact";
  /** HOST:PORT of each member. */
  readonly endpoints: readonly string[];
  /** Processes of the members. */
  readonly pids: readonly number[];
  /** The token that writers send, where one is needed. */
  readonly tokenFile?: string;
  /** HOST:PORT of the member that leads now. */
  leader(): Promise<string>;
}

const START_LIMIT_MS = 60_000;
const ANSWER_LIMIT_MS = 2_000;

/** How etcd's members speak with each other: as pact's do, or as they do when nothing is set. */
export type PeerTransport = "mtls" | "cleartext";

/**
 * Starts etcd with its defaults but for what its members show each other. Throws
 * Deno.errors.NotFound where it is not installed.
 */
export async function startEtcdCluster(
  directory: string,
  size: number,
  peers: PeerTransport = "mtls",
): Promise<Cluster> {
  await using started = new AsyncDisposableStack();
  await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
  const scheme = peers === "mtls" ? "https" : "http";
  const certificates = peers === "mtls" ? await etcdCertificates(directory) : [];
  const members = Array.from({ length: size }, (_, index) => ({
    name: `m${index + 1}`,
    client: `127.0.0.1:${freePort()}`,
    peer: `127.0.0.1:${freePort()}`,
  }));
  const pids: number[] = [];
  for (const { name, client, peer } of members) {
    const child = new Deno.Command("etcd", {
      args: [
        `--name=${name}`,
        `--data-dir=${directory}/${name}`,
        `--listen-client-urls=http://${client}`,
        `--advertise-client-urls=http://${client}`,
        `--listen-peer-urls=${scheme}://${peer}`,
        `--initial-advertise-peer-urls=${scheme}://${peer}`,
        `--initial-cluster=${members.map((m) => `${m.name}=${scheme}://${m.peer}`).join(",")}`,
        "--initial-cluster-state=new",
        ...certificates,
        "--logger=zap",
        "--log-level=error",
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    pids.push(child.pid);
    started.defer(async () => {
      child.kill("SIGTERM");
      await child.status;
    });
  }
  const endpoints = members.map(({ client }) => client);
  const leader = async () => {
    for (const endpoint of endpoints) {
      const { header, leader } = await post(endpoint, "/v3/maintenance/status");
      if (leader !== undefined && header?.member_id === leader) return endpoint;
    }
    throw new Error("no member of etcd leads");
  };
  await waitFor(async () => await leader().catch(() => undefined), {
    what: "etcd's leader",
    timeoutMs: START_LIMIT_MS,
  });
  const all = started.move();
  return { name: "etcd", endpoints, pids, leader, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** Options by which each member shows and asks for a certificate: one does for all on loopback. */
async function etcdCertificates(directory: string): Promise<string[]> {
  const { certPath, keyPath, caPath } = await loopbackCertificate(directory);
  return [
    `--peer-cert-file=${certPath}`,
    `--peer-key-file=${keyPath}`,
    `--peer-trusted-ca-file=${caPath}`,
    "--peer-client-cert-auth",
  ];
}

async function post(
  endpoint: string,
  path: string,
): Promise<{ header?: { member_id?: string }; leader?: string }> {
  const answer = await fetch(`http://${endpoint}${path}`, {
    method: "POST",
    body: "{}",
    signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
  });
  return await answer.json();
}

interface PactMember {
  readonly id: number;
  readonly api: string;
  readonly raft: string;
}

/** Starts the journal as it is installed: the program itself, its permissions left out. */
export async function startPactCluster(directory: string, size: number): Promise<Cluster> {
  await using started = new AsyncDisposableStack();
  const members: PactMember[] = Array.from({ length: size }, (_, index) => ({
    id: index + 1,
    api: `127.0.0.1:${freePort()}`,
    raft: `127.0.0.1:${freePort()}`,
  }));
  await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
  const secret = newTokenSecret();
  const tokenFile = `${directory}/token`;
  await Deno.writeTextFile(`${directory}/secret`, secret, { mode: 0o600 });
  const token = await mintToken(secret, { name: "ann", role: "pact-platform-admin" });
  await Deno.writeTextFile(tokenFile, token, { mode: 0o600 });
  await initCa(`${directory}/ca`, new Date());

  const health = new Map<string, string>();
  const programs = await Promise.all(members.map(async (member) => {
    const program = spawnDeno({
      module: `${repositoryRoot}journal/main.ts`,
      flags: ["--quiet", "--allow-all", ...runtimeFlags("pact-journal")],
      args: [
        `--config=${await configure(directory, member, members)}`,
        ...startFlags(member, size),
      ],
    });
    started.use(program);
    return { member, program };
  }));
  await Promise.all(programs.map(async ({ member, program }) => {
    const [, metrics = ""] = await program.waitForOutput(
      /journal started.* metrics=(\S+)/,
      START_LIMIT_MS,
    );
    health.set(member.api, metrics);
  }));
  const leader = async () => {
    for (const [api, metrics] of health) {
      const answer = await fetch(`http://${metrics}/health`, {
        signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
      });
      if ((await answer.json()).role === "leader") return api;
    }
    throw new Error("no member of pact leads");
  };
  await waitFor(async () => await leader().catch(() => undefined), {
    what: "pact's leader",
    timeoutMs: START_LIMIT_MS,
  });
  const all = started.move();
  return {
    name: "pact",
    endpoints: members.map(({ api }) => api),
    pids: programs.map(({ program }) => program.pid),
    tokenFile,
    leader,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

function startFlags({ id }: PactMember, size: number): string[] {
  if (size === 1) return ["--single-node"];
  return id === 1 ? ["--bootstrap"] : [];
}

/** Writes a member's certificate and configuration; gives the path of the latter. */
async function configure(
  directory: string,
  { id, api, raft }: PactMember,
  members: readonly PactMember[],
): Promise<string> {
  const home = `${directory}/${id}`;
  await Deno.mkdir(`${home}/data`, { recursive: true, mode: 0o700 });
  const files = await issueMember({
    caDirectory: `${directory}/ca`,
    memberId: id,
    hosts: ["127.0.0.1"],
    domainId: "default",
    validDays: 1,
    out: `${home}/tls`,
    now: new Date(),
  });
  const path = `${home}/journal.toml`;
  await Deno.writeTextFile(
    path,
    stringify({
      journal: {
        node_id: id,
        listen_addr: api,
        data_dir: `${home}/data`,
        raft: { listen_addr: raft, ...(members.length === 1 ? {} : { members }) },
        tls: { mode: "off", cert: files.certPath, key: files.keyPath, ca: files.caPath },
      },
      policy: { iam: { hmac_secret_file: `${directory}/secret` } },
      telemetry: { prometheus_listen: "127.0.0.1:0", log_level: "info" },
    }),
  );
  return path;
}
