/** Journals of one member, as they are installed, and an enrolled node that calls them. */
import { createClient } from "@connectrpc/connect";
import { stringify } from "smol-toml";
import { enrollment, policy } from "../../api/mod.ts";
import { createRpcTransport } from "../../common/rpc/mod.ts";
import { createKeyAndCsr } from "../../common/tls/mod.ts";
import { freePort, repositoryRoot, spawnDeno } from "../../tests/support/mod.ts";
import { mintToken, newTokenSecret } from "../../tests/support/site/mod.ts";
import { loopbackCertificate } from "../loopback_certificate.ts";
import { runtimeFlags } from "../../tools/compile/mod.ts";

const START_LIMIT_MS = 60_000;
const VCLUSTER = "ml";
const NODE = "n1";

/** Certificates and tokens that every server of the comparison knows. */
export interface Identities {
  readonly directory: string;
  readonly caPath: string;
  /** The servers' certificate, for 127.0.0.1, and its key. */
  readonly serverCertPath: string;
  readonly serverKeyPath: string;
  readonly secretPath: string;
  readonly tokenPath: string;
}

/** A journal that serves. */
export interface Journal extends AsyncDisposable {
  /** HOST:PORT. */
  readonly address: string;
  readonly pid: number;
}

/** A certificate of an enrolled node with its key. */
export interface ClientFiles {
  readonly certPath: string;
  readonly keyPath: string;
}

/** Makes a CA, the servers' certificate, a secret, and an admin's token. */
export async function makeIdentities(directory: string): Promise<Identities> {
  const { certPath, keyPath, caPath } = await loopbackCertificate(directory);
  const [secretPath, tokenPath] = [`${directory}/secret`, `${directory}/token`];
  const secret = newTokenSecret();
  await Deno.writeTextFile(secretPath, secret, { mode: 0o600 });
  const token = await mintToken(secret, { name: "ann", role: "pact-platform-admin" });
  await Deno.writeTextFile(tokenPath, token, { mode: 0o600 });
  return {
    ...{ directory, caPath, secretPath, tokenPath },
    serverCertPath: certPath,
    serverKeyPath: keyPath,
  };
}

/** Starts a journal with TLS of its own, or in cleartext on loopback for a proxy in front of it. */
export async function startJournal(
  identities: Identities,
  tls: "on" | "off",
): Promise<Journal> {
  const { directory, serverCertPath, serverKeyPath, caPath, secretPath } = identities;
  const home = `${directory}/journal-tls-${tls}`;
  await Deno.mkdir(`${home}/data`, { recursive: true, mode: 0o700 });
  const address = `127.0.0.1:${freePort()}`;
  await Deno.writeTextFile(
    `${home}/journal.toml`,
    stringify({
      journal: {
        listen_addr: address,
        data_dir: `${home}/data`,
        tls: {
          cert: serverCertPath,
          key: serverKeyPath,
          ca: caPath,
          ...(tls === "off" ? { mode: "off" } : {}),
        },
        enrollment: { ca_cert: `${directory}/ca/ca.crt`, ca_key: `${directory}/ca/ca.key` },
      },
      policy: { iam: { hmac_secret_file: secretPath } },
      telemetry: { prometheus_listen: "127.0.0.1:0", log_level: "info" },
    }),
  );
  const program = spawnDeno({
    module: `${repositoryRoot}journal/main.ts`,
    flags: ["--quiet", "--allow-all", ...runtimeFlags("pact-journal")],
    args: [`--config=${home}/journal.toml`, "--single-node"],
  });
  try {
    await program.waitForOutput(/journal started/, START_LIMIT_MS);
    await furnish(identities, address, tls);
  } catch (error) {
    await program[Symbol.asyncDispose]();
    throw error;
  }
  return {
    address,
    pid: program.pid,
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

/** Gives the vCluster a policy, which is what the calls ask for. */
async function furnish(
  { caPath, tokenPath }: Identities,
  address: string,
  tls: "on" | "off",
): Promise<void> {
  const token = await Deno.readTextFile(tokenPath);
  const transport = createRpcTransport({
    endpoint: `${tls === "on" ? "https" : "http"}://${address}`,
    caPem: await Deno.readTextFile(caPath),
    token: () => token,
    allowPlaintextCredentials: tls === "off",
  });
  try {
    await createClient(policy.PolicyService, transport)
      .updatePolicy({ vclusterId: VCLUSTER, policy: { emergencyAllowed: true } });
  } finally {
    transport.close();
  }
}

/** Enrols a node at a journal and keeps its certificate in files. */
export async function enrollNode(
  { directory, caPath, tokenPath }: Identities,
  { address }: Journal,
): Promise<ClientFiles> {
  const token = await Deno.readTextFile(tokenPath);
  const transport = createRpcTransport({
    endpoint: `https://${address}`,
    caPem: await Deno.readTextFile(caPath),
    token: () => token,
  });
  try {
    const client = createClient(enrollment.EnrollmentService, transport);
    const hardwareIdentity = { macAddress: "02:00:00:00:00:01" };
    await client.registerNode({ nodeId: NODE, hardwareIdentity, vclusterId: VCLUSTER });
    const { csrDer, keyPem } = await createKeyAndCsr(NODE);
    const { signedCert } = await client.enroll({ hardwareIdentity, csr: csrDer });
    const files = { certPath: `${directory}/node.crt`, keyPath: `${directory}/node.key` };
    await Deno.writeFile(files.certPath, signedCert);
    await Deno.writeTextFile(files.keyPath, keyPem.reveal(), { mode: 0o600 });
    return files;
  } finally {
    transport.close();
  }
}
