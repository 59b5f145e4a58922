/** The journal's CA, its listener certificate and its secret files. */
export {
  type Authority,
  hostsOf,
  type ListenerCertificate,
  listenerCertificate,
  openAuthority,
} from "./authority.ts";
export { type CertificateCommand, certificateCommands } from "./commands.ts";
export { watchCertificateFiles } from "./file_watch.ts";
export { type CaFiles, initCa } from "./init_ca.ts";
export { issueMember, type MemberCertificateOptions, type MemberFiles } from "./issue_member.ts";
export { PrivateFileError, readPrivateFile, readPrivateKey } from "./private_file.ts";
export { createRevocations, type Revocations } from "./revocations.ts";
export { type JournalSvid, openJournalSvid } from "./svid.ts";
export { createTrust, type Trust, type Upkeep } from "./trust.ts";
