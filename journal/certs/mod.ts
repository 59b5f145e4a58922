/** The journal's CA, its listener certificate and its secret files. */
export {
  type Authority,
  type ListenerCertificate,
  listenerCertificate,
  openAuthority,
  trustBundlePem,
} from "./authority.ts";
export { type CaFiles, initCa } from "./init_ca.ts";
export { PrivateFileError, readPrivateFile, readPrivateKey } from "./private_file.ts";
