import { initCa, issueMember } from "../journal/certs/mod.ts";

/** A CA of its own in `directory`, and a certificate of it for 127.0.0.1: paths of the files. */
export async function loopbackCertificate(
  directory: string,
): Promise<{ certPath: string; keyPath: string; caPath: string }> {
  const now = new Date();
  await initCa(`${directory}/ca`, now);
  return await issueMember({
    caDirectory: `${directory}/ca`,
    memberId: 1,
    hosts: ["127.0.0.1"],
    domainId: "default",
    validDays: 1,
    out: `${directory}/tls`,
    now,
  });
}
