/**
 * What the agent keeps across its restarts: the last declared configuration and its identity. It owns
 * two files and holds nothing open.
 */

import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { agentport } from "../../api/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import type { Files } from "../../ffi/mod.ts";
import { readSealed, writeSealed } from "./sealed_file.ts";

/** Where the agent keeps what it needs without a journal (PRT-3, NEN-6). */
export interface AgentCache {
  declared(): agentport.DeclaredConfig | undefined;
  keepDeclared(declared: agentport.DeclaredConfig): void;
  identity(): agentport.NodeIdentity | undefined;
  keepIdentity(identity: agentport.NodeIdentity): void;
}

/** Directories of the two files: the cache survives a reboot where it can, the key never does. */
export interface CacheDirectories {
  readonly cache: string;
  readonly state: string;
}

/** A cache in `directories`, which exist. A damaged file is reported and ignored. */
export function openCache(files: Files, directories: CacheDirectories, log: Logger): AgentCache {
  const declaredPath = `${directories.cache}/declared.bin`;
  const identityPath = `${directories.state}/identity.bin`;
  return {
    declared: () => load(files, declaredPath, agentport.DeclaredConfigSchema, log),
    keepDeclared: (declared) =>
      writeSealed(files, declaredPath, toBinary(agentport.DeclaredConfigSchema, declared)),
    identity: () => load(files, identityPath, agentport.NodeIdentitySchema, log),
    keepIdentity: (identity) =>
      writeSealed(files, identityPath, toBinary(agentport.NodeIdentitySchema, identity)),
  };
}

function load<Schema extends DescMessage>(
  files: Files,
  path: string,
  schema: Schema,
  log: Logger,
): MessageShape<Schema> | undefined {
  const sealed = readSealed(files, path);
  switch (sealed.kind) {
    case "absent":
      return undefined;
    case "damaged":
      log.error("cache file ignored", { path, reason: sealed.reason });
      return undefined;
    case "content":
      return fromBinary(schema, sealed.content);
  }
}
