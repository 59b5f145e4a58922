/**
 * What the agent keeps across its restarts: the last declared configuration and its identity. It owns
 * two files and holds nothing open.
 */

import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { agentport, journal, lock, stream } from "../../api/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import type { Files } from "../../ffi/mod.ts";
import { clearCertificates, publishCertificates } from "./public_certificates.ts";
import { readSealed, writeSealed } from "./sealed_file.ts";

/** Where the agent keeps what it needs without a journal (PRT-3, NEN-6). */
export interface AgentCache {
  declared(): agentport.DeclaredConfig | undefined;
  keepDeclared(declared: agentport.DeclaredConfig): void;
  keepIdentity(identity: agentport.NodeIdentity): void;
  /** Puts certificate and CAs where others may read them, where a directory is given (NEN-6). */
  publishIdentity(identity: agentport.NodeIdentity): void;
  /** The people this node knew last (IDM-5). */
  identityMap(): journal.UidMap | undefined;
  keepIdentityMap(map: journal.UidMap): void;
  /** Whose tokens the journal took last; undefined for nobody's (ACF-4). */
  tokenIssuer(): stream.TokenIssuer | undefined;
  keepTokenIssuer(issuer: stream.TokenIssuer): void;
  /** Whom this node kept out last, as far as it knows. */
  locks(): lock.ListLocksResponse | undefined;
  keepLocks(locks: lock.ListLocksResponse): void;
  /** Removes all of them: the node was told that it is none of the domain's any more (NEN-7). */
  forget(): void;
}

/** Directories of the two files: the cache survives a reboot where it can, the key never does. */
export interface CacheDirectories {
  readonly cache: string;
  readonly state: string;
  /** For certificates that others may read; empty for none. */
  readonly certificates?: string;
}

/** A cache in `directories`, which exist. A damaged file is reported and ignored. */
export function openCache(files: Files, directories: CacheDirectories, log: Logger): AgentCache {
  const declaredPath = `${directories.cache}/declared.bin`;
  const identityPath = identityPathIn(directories.state);
  const mapPath = `${directories.cache}/identity-map.bin`;
  const issuerPath = `${directories.cache}/token-issuer.bin`;
  const { certificates = "" } = directories;
  const locksPath = `${directories.cache}/locks.bin`;
  return {
    declared: () => load(files, declaredPath, agentport.DeclaredConfigSchema, log),
    keepDeclared: (declared) =>
      writeSealed(files, declaredPath, toBinary(agentport.DeclaredConfigSchema, declared)),
    keepIdentity: (identity) =>
      writeSealed(files, identityPath, toBinary(agentport.NodeIdentitySchema, identity)),
    publishIdentity: (identity) => {
      if (certificates !== "") publishCertificates(files, certificates, identity);
    },
    identityMap: () => load(files, mapPath, journal.UidMapSchema, log),
    keepIdentityMap: (map) => writeSealed(files, mapPath, toBinary(journal.UidMapSchema, map)),
    tokenIssuer: () => {
      const kept = load(files, issuerPath, stream.TokenIssuerSchema, log);
      return kept?.issuer === "" ? undefined : kept;
    },
    keepTokenIssuer: (issuer) =>
      writeSealed(files, issuerPath, toBinary(stream.TokenIssuerSchema, issuer)),
    locks: () => load(files, locksPath, lock.ListLocksResponseSchema, log),
    keepLocks: (locks) =>
      writeSealed(files, locksPath, toBinary(lock.ListLocksResponseSchema, locks)),
    forget: () => {
      for (const path of [identityPath, declaredPath, mapPath, issuerPath, locksPath]) {
        if (files.lstatIfPresent(path) !== null) files.unlink(path);
      }
      if (certificates !== "") clearCertificates(files, certificates);
    },
  };
}

/** The identity of an earlier agent of this boot, before the configuration is read (NEN-6). */
export function loadIdentity(
  files: Files,
  stateDirectory: string,
  log: Logger,
): agentport.NodeIdentity | undefined {
  return load(files, identityPathIn(stateDirectory), agentport.NodeIdentitySchema, log);
}

function identityPathIn(stateDirectory: string): string {
  return `${stateDirectory}/identity.bin`;
}

function load<Schema extends DescMessage>(
  files: Files,
  path: string,
  schema: Schema,
  log: Logger,
): MessageShape<Schema> | undefined {
  try {
    const sealed = readSealed(files, path);
    if (sealed.kind === "content") return fromBinary(schema, sealed.content);
    if (sealed.kind === "damaged") log.error("cache file ignored", { path, reason: sealed.reason });
  } catch (error) {
    log.error("cache file ignored", { path, reason: String(error) });
  }
  return undefined;
}
