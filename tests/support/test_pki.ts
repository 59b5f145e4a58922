import {
  type CertificateAuthority,
  createCa,
  createKeyAndCsr,
  issueAgentCertificate,
  type IssuedServerCertificate,
  issueServerCertificate,
  journalCommonName,
  journalSpiffeId,
  verifyCsr,
} from "../../common/tls/mod.ts";

/** A CA with the certificates a test needs. */
export interface TestPki {
  ca: CertificateAuthority;
  caPem: string;
  /** For 127.0.0.1 and localhost unless other hosts are named. */
  server(options?: { commonName?: string; hosts?: string[] }): Promise<IssuedServerCertificate>;
  /** A node's certificate with its key; by default of node `node-1` in domain `test`. */
  agent(options?: AgentCertificateOptions): Promise<IssuedServerCertificate>;
  /** A journal member's certificate with its key, for 127.0.0.1 and localhost. */
  member(memberId: number): Promise<IssuedServerCertificate>;
}

/** What a test may choose of a node's certificate. */
export interface AgentCertificateOptions {
  nodeId?: string;
  domainId?: string;
  now?: Date;
  lifetimeSeconds?: number;
}

/** Makes a CA that lives in memory for one test. */
export async function createTestPki(commonName = "pact test CA"): Promise<TestPki> {
  const ca = await createCa({ commonName, validDays: 30, now: new Date() });
  return {
    ca,
    caPem: ca.certPem,
    server: ({ commonName = "journal-1", hosts = ["localhost", "127.0.0.1"] } = {}) =>
      issueServerCertificate(ca, { commonName, hosts, now: new Date() }),
    member: (memberId) =>
      issueServerCertificate(ca, {
        commonName: journalCommonName(memberId),
        hosts: ["localhost", "127.0.0.1"],
        uris: [journalSpiffeId("test", memberId)],
        now: new Date(),
      }),
    async agent({ nodeId = "node-1", domainId = "test", now = new Date(), lifetimeSeconds } = {}) {
      const { csrDer, keyPem } = createKeyAndCsr(nodeId);
      const issued = await issueAgentCertificate(
        ca,
        { nodeId, domainId },
        await verifyCsr(csrDer),
        { now, ...(lifetimeSeconds === undefined ? {} : { lifetimeSeconds }) },
      );
      return { ...issued, keyPem };
    },
  };
}
