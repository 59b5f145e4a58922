/**
 * A journal as it is installed, in a process of its own, with nodes that hold certificates and a
 * vCluster that has something to boot. It owns the site and ends with its scope.
 */
import { createClient } from "@connectrpc/connect";
import { config, enrollment, journal, stream } from "../../api/mod.ts";
import type { StateDelta } from "../../common/model/mod.ts";
import { createRpcTransport, type RpcTransport } from "../../common/rpc/mod.ts";
import { SecretPem } from "../../common/secret/mod.ts";
import { createKeyAndCsr, issueServerCertificate, loadCa } from "../../common/tls/mod.ts";
import { deltaToWire } from "../../common/wire/mod.ts";
import { openSite, type Site, type SiteJournal } from "../../tests/support/site/mod.ts";

/** The vCluster that all nodes are in. */
export const VCLUSTER = "bench";
/** Node ids are this and a number. */
export const NODE_PREFIX = "n";

const ADMIN = "ann";
const NODES_AT_ONCE = 8;

/** Where clients find certificates: 0.crt, 0.key and so on. */
export interface Certificates {
  readonly directory: string;
  readonly count: number;
}

/** See {@link openFleet}. */
export interface Fleet extends AsyncDisposable {
  readonly site: Site;
  readonly journal: SiteJournal;
  readonly certificates: Certificates;
  /** Commits a delta to the vCluster and answers its sequence when it is acknowledged. */
  commit(delta: StateDelta): Promise<number>;
  /** The vCluster's overlay, compressed as boot streams carry it. */
  compressedOverlay(): Promise<Uint8Array>;
  /** A certificate of the site's CA for 127.0.0.1, as files. */
  serverCertificate(): Promise<{ readonly certFile: string; readonly keyFile: string }>;
  /** The value of a metric without labels. */
  metric(name: string): Promise<number>;
}

/** Starts a journal and enrols `nodes` nodes. */
export async function openFleet(nodes: number): Promise<Fleet> {
  const site = await openSite({ prefix: "pact-bench-" });
  try {
    const running = await site.startJournal();
    await site.addPerson({ name: ADMIN, role: "pact-platform-admin" });
    const admin = await site.connect(ADMIN);
    const directory = `${site.directory}/nodes`;
    await Deno.mkdir(directory, { mode: 0o700 });
    await enrolAll(site, running.address, admin, directory, nodes);
    return fleet(site, running, admin, { directory, count: nodes });
  } catch (error) {
    await site[Symbol.asyncDispose]();
    throw error;
  }
}

function fleet(
  site: Site,
  running: SiteJournal,
  admin: RpcTransport,
  certificates: Certificates,
): Fleet {
  const configuration = createClient(journal.ConfigService, admin);
  const boot = createClient(stream.BootConfigService, admin);
  return {
    site,
    journal: running,
    certificates,
    commit: async (delta) => {
      const { sequence } = await configuration.appendEntry({
        entry: {
          entryType: config.EntryType.COMMIT,
          scope: { scope: { case: "vclusterId", value: VCLUSTER } },
          stateDelta: deltaToWire(delta),
        },
      });
      return Number(sequence);
    },
    compressedOverlay: async () => {
      const parts: Uint8Array<ArrayBuffer>[] = [];
      for await (const { chunk } of boot.streamBootConfig({ vclusterId: VCLUSTER })) {
        if (chunk.case === "baseOverlay") parts.push(chunk.value.data.slice());
      }
      return await new Blob(parts).bytes();
    },
    serverCertificate: () => serverCertificate(site),
    metric: async (name) => {
      const answer = await fetch(`http://${running.metricsAddress}/metrics`);
      const line = new RegExp(`^${name} (\\S+)$`, "m").exec(await answer.text());
      return Number(line?.[1] ?? NaN);
    },
    [Symbol.asyncDispose]: async () => {
      admin.close();
      await site[Symbol.asyncDispose]();
    },
  };
}

async function enrolAll(
  site: Site,
  address: string,
  admin: RpcTransport,
  directory: string,
  count: number,
): Promise<void> {
  const stranger = createRpcTransport({
    endpoint: `https://${address}`,
    caPem: await Deno.readTextFile(site.caCert),
  });
  const asAdmin = createClient(enrollment.EnrollmentService, admin);
  const asStranger = createClient(enrollment.EnrollmentService, stranger);
  const numbers = Array.from({ length: count }, (_, number) => number).values();
  await Promise.all(Array.from({ length: NODES_AT_ONCE }, async () => {
    for (const number of numbers) {
      const nodeId = `${NODE_PREFIX}${number}`;
      const mac = number.toString(16).padStart(6, "0").replace(/..(?=.)/g, "$&:");
      const hardwareIdentity = { macAddress: `02:00:00:${mac}` };
      await asAdmin.registerNode({ nodeId, hardwareIdentity, vclusterId: VCLUSTER });
      const { csrDer, keyPem } = createKeyAndCsr(nodeId);
      const { signedCert } = await asStranger.enroll({ hardwareIdentity, csr: csrDer });
      await Deno.writeFile(`${directory}/${number}.crt`, signedCert);
      await Deno.writeTextFile(`${directory}/${number}.key`, keyPem.reveal(), { mode: 0o600 });
    }
  }));
  stranger.close();
}

async function serverCertificate(site: Site) {
  const caKey = site.caCert.replace(/\.crt$/, ".key");
  const now = new Date();
  const ca = await loadCa({
    certPem: await Deno.readTextFile(site.caCert),
    keyPem: new SecretPem(await Deno.readTextFile(caKey)),
    now,
  });
  const issued = await issueServerCertificate(ca, {
    commonName: "peer",
    hosts: ["127.0.0.1", "localhost"],
    now,
  });
  const [certFile, keyFile] = [`${site.directory}/peer.crt`, `${site.directory}/peer.key`];
  await Deno.writeTextFile(certFile, issued.fullChainPem);
  await Deno.writeTextFile(keyFile, issued.keyPem.reveal(), { mode: 0o600 });
  return { certFile, keyFile };
}
