import { ConfigError } from "../../common/config/mod.ts";
import type { JournalSettings } from "./load.ts";
import type { ConfiguredMember } from "./members.ts";

/** What is found where a journal starts. */
export interface StartFacts {
  /** Whether the data directory holds a member's state already. */
  readonly hasState: boolean;
  readonly hostname: string;
  readonly fileExists: (path: string) => boolean;
}

/** How this member comes to the quorum. */
export interface Start {
  /**
   * `resume`: by what it has stored. `found`: it makes a new cluster of `members`. `wait`: it has
   * nothing and takes no part until a leader brings it the membership (JRN-55).
   */
  readonly kind: "resume" | "found" | "wait";
  /** Where the members are as far as the configuration knows; this one is among them, or waits. */
  readonly members: readonly ConfiguredMember[];
  readonly warnings: readonly string[];
}

/**
 * Decides how a journal starts (JRN-54..JRN-56).
 *
 * @throws {ConfigError} when the configuration cannot make a member of what is there.
 */
export function planStart(settings: JournalSettings, facts: StartFacts): Start {
  const { members, isBootstrap, isSingleNode } = settings;
  if (members.length > 1) requireMemberCertificates(settings, facts);
  if (facts.hasState) {
    const warnings = isBootstrap
      ? ["--bootstrap has no effect: this member has state already (JRN-55)"]
      : [];
    return { kind: "resume", members, warnings };
  }
  if (isSingleNode || isBootstrap) {
    const founding = members.length > 0 ? members : [ownMember(settings, facts.hostname)];
    requireOwnId(settings, founding);
    return { kind: "found", members: founding, warnings: [] };
  }
  if (members.length === 0) {
    throw new ConfigError(
      "no members configured and nothing stored: name them in journal.raft.members or PACT_JOURNAL_PEERS, " +
        "or give --single-node for development",
    );
  }
  if (members.length === 1 && members[0]?.id === settings.nodeId) {
    throw new ConfigError(
      "the only member is this one and nothing is stored: start it with --bootstrap once (JRN-56)",
    );
  }
  if (!settings.isJoining) requireOwnId(settings, members);
  return { kind: "wait", members, warnings: [] };
}

function requireOwnId(
  { nodeId, isBootstrap, isSingleNode }: JournalSettings,
  members: readonly ConfiguredMember[],
): void {
  if (members.some(({ id }) => id === nodeId)) return;
  const known = members.map(({ id }) => id).join(", ");
  const remedy = isBootstrap || isSingleNode
    ? "correct one of the two"
    : "correct one of the two, or start with --join when it is added by `pact-journal member add`";
  throw new ConfigError(`node id ${nodeId} is not among the members (${known}): ${remedy}`);
}

/** Members trust each other by certificate alone, so without the files there is no quorum (JRN-53). */
function requireMemberCertificates(settings: JournalSettings, { fileExists }: StartFacts): void {
  const files = {
    "journal.tls.cert": settings.tlsCert,
    "journal.tls.key": settings.tlsKey,
    "journal.tls.ca": settings.tlsCa,
  };
  const missing = Object.entries(files).filter(([, path]) =>
    path === undefined || !fileExists(path)
  );
  if (missing.length === 0) return;
  const names = missing.map(([key, path]) => path === undefined ? key : `${key} (${path})`);
  throw new ConfigError(
    `several members speak mutual TLS with each other, and there is no ${names.join(", no ")}: ` +
      `make them with \`pact-journal issue-member --id ${settings.nodeId} --host HOST\` and name the files`,
  );
}

/** This member alone, at the address it listens on or else under its host's name. */
function ownMember(settings: JournalSettings, hostname: string): ConfiguredMember {
  const at = ({ hostname: bound, port }: { hostname: string; port: number }) => {
    const host = bound === "0.0.0.0" || bound === "::" ? hostname : bound;
    return `${host.includes(":") ? `[${host}]` : host}:${port}`;
  };
  return { id: settings.nodeId, raft: at(settings.raftListen), api: at(settings.listen) };
}
