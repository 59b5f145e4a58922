/**
 * Certificates for nodes: requests checked and signed as the journal does it for an enrolment, beside
 * `openssl ca`, the program of a site that keeps its own CA, which checks and signs the same requests
 * in one process. And whole enrolments at a journal over loopback, of which signing is a part.
 */

import { createClient } from "@connectrpc/connect";
import { enrollment } from "../api/mod.ts";
import { createRpcTransport } from "../common/rpc/mod.ts";
import { createCa, createKeyAndCsr, issueAgentCertificate, verifyCsr } from "../common/tls/mod.ts";
import { openJournalSite } from "../tests/support/journal/mod.ts";
import { alternate, type Contender, printRatios } from "./rounds.ts";

const REQUESTS = 500;
const AT_ONCE = 32;
const ROUNDS = 5;

const directory = await Deno.makeTempDir({ prefix: "pact-bench-" });
const ca = await createCa({ commonName: "bench CA", validDays: 30, now: new Date() });
const requests = await Promise.all(
  Array.from({ length: REQUESTS }, (_, at) => createKeyAndCsr(`n${at}`)),
);

/** Does `work` for every request, so many at once. */
async function forAll(work: (at: number) => Promise<void>): Promise<number> {
  const lane = async (first: number) => {
    for (let at = first; at < REQUESTS; at += AT_ONCE) await work(at);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, (_, first) => lane(first)));
  return REQUESTS;
}

const signing: Contender = {
  name: "pact: request checked, certificate signed",
  run: () =>
    forAll(async (at) => {
      const csr = await verifyCsr(requests[at]?.csrDer ?? new Uint8Array());
      const identity = { nodeId: `n${at}`, domainId: "bench" };
      await issueAgentCertificate(ca, identity, csr, { now: new Date() });
    }),
};

await using site = await openJournalSite();
const admin = await site.as();
const token = await site.token();
let racks = 0;

/** Registered and enrolled once each: an enrolment is of a node that was not active yet. */
const enrolling: Contender = {
  name: "pact: enrolment over TLS, written twice",
  run: async () => {
    const rack = ++racks;
    const macOf = (at: number) => `02:00:00:${[rack, at >> 8, at & 255].map(hex).join(":")}`;
    await admin.enrollment.batchRegisterNodes({
      nodes: requests.map((_, at) => ({
        nodeId: `r${rack}n${at}`,
        hardwareIdentity: { macAddress: macOf(at) },
      })),
    }, { headers: { authorization: `Bearer ${token}` } });
    using transport = createRpcTransport({
      endpoint: `https://127.0.0.1:${site.journal.rpcPort}`,
      caPem: site.caPem,
    });
    const client = createClient(enrollment.EnrollmentService, transport);
    return await forAll(async (at) => {
      const csr = requests[at]?.csrDer ?? new Uint8Array();
      await client.enroll({ hardwareIdentity: { macAddress: macOf(at) }, csr });
    });
  },
};

const openssl: Contender = {
  name: "openssl ca, all requests in one run",
  run: async () => {
    await Deno.writeTextFile(`${directory}/index.txt`, "");
    const { success, stderr } = await new Deno.Command("openssl", {
      args: [
        ...["ca", "-batch", "-notext", "-config", `${directory}/ca.cnf`, "-infiles"],
        ...requests.map((_, at) => `${directory}/${at}.csr`),
      ],
      stdout: "null",
    }).output();
    if (!success) throw new Error(`openssl ca failed: ${new TextDecoder().decode(stderr)}`);
    return REQUESTS;
  },
};

function hex(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}

async function prepareOpenssl(): Promise<void> {
  await Deno.mkdir(`${directory}/issued`);
  await Deno.writeTextFile(`${directory}/ca.crt`, ca.certPem);
  await Deno.writeTextFile(`${directory}/ca.key`, ca.keyPem.reveal(), { mode: 0o600 });
  for (const [at, { csrPem }] of requests.entries()) {
    await Deno.writeTextFile(`${directory}/${at}.csr`, `${csrPem}\n`);
  }
  await Deno.writeTextFile(
    `${directory}/ca.cnf`,
    `[ca]
default_ca = site
[site]
database = ${directory}/index.txt
new_certs_dir = ${directory}/issued
certificate = ${directory}/ca.crt
private_key = ${directory}/ca.key
rand_serial = yes
unique_subject = no
default_md = sha256
default_days = 3
policy = any
x509_extensions = leaf
[any]
commonName = supplied
[leaf]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth, serverAuth
subjectAltName = DNS:node, URI:spiffe://bench/pact/agent/node
`,
  );
}

try {
  await prepareOpenssl();
  printRatios(
    `${REQUESTS} requests with P-256 keys, ${AT_ONCE} at once`,
    await alternate([signing, enrolling, openssl], ROUNDS),
  );
} finally {
  await Deno.remove(directory, { recursive: true });
}
