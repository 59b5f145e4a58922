import { create } from "@bufbuild/protobuf";
import { agentport } from "../../api/mod.ts";
import { parsePeerCertificate } from "../../common/certificate/mod.ts";

/** A certificate with its key that the image or an admin has put there, as PEM. */
export interface BootstrapFiles {
  readonly certPem: string;
  readonly keyPem: string;
}

/** The identity that such files make (SPI-5, DEP-81). @throws {Error} for those that make none */
export function bootstrapIdentity(files: BootstrapFiles | undefined): agentport.NodeIdentity {
  if (files === undefined) throw new Error("no bootstrap identity");
  const certificate = parsePeerCertificate(files.certPem);
  if (certificate.kind !== "agent") throw new Error("its certificate names no node");
  const { nodeId, domainId, serialHex: serial } = certificate;
  return create(agentport.NodeIdentitySchema, {
    ...{ nodeId, domainId, serial, ...files },
    source: agentport.IdentitySource.BOOTSTRAP,
  });
}
