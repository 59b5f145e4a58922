import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import {
  hostsOf,
  initCa,
  issueMember,
  openAuthority,
  readPrivateFile,
} from "../../../../journal/certs/mod.ts";
import { loadConfig } from "../../../../journal/config/mod.ts";
import { parsePeerCertificate, TrustBundle } from "../../../../common/tls/mod.ts";
import { tempDir } from "../../../support/mod.ts";
import { all, openJournalSite } from "../../../support/journal/mod.ts";

const NOW = new Date();

Deno.test("CRT-2: init-ca makes a CA with a private key of mode 0600 and overwrites nothing, not even half of one", async () => {
  await using directory = await tempDir();
  const { certPath, keyPath } = await initCa(directory.file("ca"), NOW);
  assert.equal(((await Deno.stat(keyPath)).mode ?? 0) & 0o777, 0o600);
  const certificate = new X509Certificate(await Deno.readTextFile(certPath));
  assert.ok(certificate.ca);
  const before = await Deno.readTextFile(keyPath);
  await assert.rejects(initCa(directory.file("ca"), NOW), /ca.crt exists already/);
  await Deno.remove(certPath);
  await assert.rejects(initCa(directory.file("ca"), NOW), /ca.key exists already/);
  assert.equal(await Deno.readTextFile(keyPath), before);
  await Deno.remove(keyPath);
  await Deno.writeTextFile(certPath, "someone's");
  await assert.rejects(initCa(directory.file("ca"), NOW), /exists already/);
  await assert.rejects(Deno.stat(keyPath), Deno.errors.NotFound);
});

Deno.test("JRN-53, AUT-11: a member's certificate names its node id, its hosts and nobody else, and its key is its own", async () => {
  await using directory = await tempDir();
  const { certPath } = await initCa(directory.path, NOW);
  const out = directory.file("member-2");
  const options = {
    caDirectory: directory.path,
    memberId: 2,
    hosts: ["mgmt-2.example.org", "10.0.0.2"],
    domainId: "site",
    validDays: 365,
    out,
    now: NOW,
  };
  const files = await issueMember(options);

  assert.equal(((await Deno.stat(files.keyPath)).mode ?? 0) & 0o777, 0o600);
  const certPem = await Deno.readTextFile(files.certPath);
  const certificate = parsePeerCertificate(certPem);
  assert.ok(certificate.kind === "journal" && certificate.memberId === 2);
  assert.equal(certificate.commonName, "journal-2");
  assert.deepEqual(certificate.uris, ["spiffe://site/pact/journal/2"]);
  assert.deepEqual(certificate.dnsNames, ["mgmt-2.example.org", "localhost"]);
  const native = new X509Certificate(certPem);
  assert.ok(native.checkIP("10.0.0.2") !== undefined && native.checkHost("mgmt-2.example.org"));
  const bundle = new TrustBundle(await Deno.readTextFile(files.caPath));
  assert.equal(bundle.pem, await Deno.readTextFile(certPath));
  for (const use of ["client", "server"] as const) {
    assert.deepEqual(bundle.verify(certPem, use, NOW), { trusted: true });
  }

  const before = await Deno.readTextFile(files.keyPath);
  await assert.rejects(issueMember(options), /node.crt exists already/);
  assert.equal(await Deno.readTextFile(files.keyPath), before);
  const elsewhere = { ...options, out: directory.file("other") };
  await assert.rejects(issueMember({ ...elsewhere, hosts: ["not a host"] }), /neither a host name/);
  await assert.rejects(issueMember({ ...elsewhere, memberId: 2 ** 32 }), /member id 4294967296/);
  await assert.rejects(
    issueMember({ ...elsewhere, caDirectory: directory.file("none") }),
    /there is no .*ca\.crt: make a CA with init-ca/,
  );
});

Deno.test("CRT-2: a key others can read, a link, or one that does not belong to its certificate is refused", async () => {
  await using directory = await tempDir();
  const own = await initCa(directory.file("own"), NOW);
  const other = await initCa(directory.file("other"), NOW);
  const settings = (certPath: string, keyPath: string) =>
    loadConfig({
      args: ["--single-node"],
      env: { PACT_CA_CERT: certPath, PACT_CA_KEY: keyPath },
      readFile: () => undefined,
    }).settings;
  await openAuthority(settings(own.certPath, own.keyPath), NOW);
  await assert.rejects(
    openAuthority(settings(own.certPath, other.keyPath), NOW),
    /does not belong to the CA certificate/,
  );
  await Deno.chmod(own.keyPath, 0o640);
  await assert.rejects(
    openAuthority(settings(own.certPath, own.keyPath), NOW),
    /can be read by others: run chmod 600/,
  );
  await Deno.chmod(own.keyPath, 0o400);
  await openAuthority(settings(own.certPath, own.keyPath), NOW);
  await Deno.symlink(other.keyPath, directory.file("link"));
  assert.throws(() => readPrivateFile(directory.file("link")), /must be a regular file/);
  assert.throws(() => readPrivateFile(directory.file("gone")), /cannot read/);
});

Deno.test("CRT-9: the journal's own certificate names every host it may be dialled by, and no wildcard", () => {
  const hosts = (listen: string, member?: string, tlsHosts: string[] = []) => {
    const members = member === undefined
      ? []
      : [{ id: 1, raft: `${member}:9444`, api: `${member}:9443` }];
    const settings = { listen: { hostname: listen, port: 9443 }, members, tlsHosts };
    return hostsOf(settings, "mgmt-1.example.org");
  };
  const always = ["localhost", "127.0.0.1", "::1", "mgmt-1.example.org", "mgmt-1"];
  assert.deepEqual(hosts("0.0.0.0"), always);
  assert.deepEqual(hosts("::"), always);
  assert.deepEqual(hosts("10.0.0.5", "journal", ["alias"]), [
    ...always,
    "10.0.0.5",
    "journal",
    "alias",
  ]);
  assert.deepEqual(hosts("0.0.0.0", "[fd00::1]"), [...always, "fd00::1"]);
});

Deno.test("CRT-1: an ephemeral CA is made anew at each start, and nodes of the former one are trusted for a while", async () => {
  await using site = await openJournalSite({ withoutCa: true });
  const n1 = await site.node("n1", "ml");
  const first = site.caPem;
  const { certPem, keyPem } = n1;
  await site.stop();
  await site.start();
  assert.notEqual(site.caPem, first);
  const again = site.dial({ certPem, keyPem });
  await again.fleet.reportCapability({ nodeId: "n1" });
  const files = await all(Deno.readDir(site.dataDir));
  for (const { name, isFile } of files) {
    if (!isFile) continue;
    const text = await Deno.readTextFile(`${site.dataDir}/${name}`);
    assert.ok(!text.includes("PRIVATE KEY"), `${name} holds a key`);
  }
});
