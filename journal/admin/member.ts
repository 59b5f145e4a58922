import { ConnectError } from "@connectrpc/connect";
import type { journal } from "../../api/mod.ts";
import { quorumJson, quorumOf, type QuorumSummary } from "../../common/cluster/mod.ts";
import { ConfigError } from "../../common/config/mod.ts";
import { fromConnectError, type PactError } from "../../common/errors/mod.ts";
import { retryUnavailable } from "../../common/rpc/mod.ts";
import { AddressSchema, type ConfigInputs } from "../config/mod.ts";
import { connectTo } from "./connection.ts";
import { type AdminSettings, loadAdminSettings } from "./settings.ts";

/** Port of the API where an address for clients is not given (JRN-3). */
const API_PORT = 9443;

/** Tries in all: leadership may move in the midst of a change. */
const ATTEMPTS = 3;

/** What a `member` command asks of the journal; undefined for `list`, which changes nothing. */
type Change = Partial<
  Pick<journal.ChangeMembershipRequest, "operation" | "id" | "raftAddress" | "grpcAddress">
>;

interface Command {
  readonly change: Change | undefined;
  /** What is to be done next, below the table. */
  readonly next: readonly string[];
}

const FORMS = `member list
member add ID RAFT_HOST:PORT [API_HOST:PORT]
member promote ID
member remove ID [--force]
member transfer [ID]`;

/**
 * `pact-journal member ...`: shows the members of the quorum a running journal belongs to, and
 * changes them (DEP-92).
 *
 * @returns what to print
 * @throws {ConfigError} for a command line that is wrong, {@link AdminError} for what the journal
 * refused or could not be asked.
 */
export async function memberCommand(inputs: ConfigInputs, nowMs: () => number): Promise<string> {
  const settings = loadAdminSettings(inputs);
  const { change, next } = parse(settings);
  using connection = connectTo(settings);
  const { fleet } = connection;
  try {
    // Repeating a change that was made already does nothing.
    const answer = await retryUnavailable(
      (options) =>
        change === undefined
          ? fleet.getClusterStatus({}, options)
          : fleet.changeMembership(change, options),
      { attempts: ATTEMPTS, requestId: crypto.randomUUID() },
    );
    const quorum = quorumOf(answer);
    return settings.output === "json"
      ? JSON.stringify(quorumJson(quorum), undefined, 2)
      : [...tableOf(quorum, nowMs()), ...next].join("\n");
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error;
    throw new AdminError(fromConnectError(error), settings);
  }
}

/** A journal's refusal, or that it could not be asked, with what to do about it. */
export class AdminError extends Error {
  override readonly name = "AdminError";

  constructor({ code, message }: PactError, { endpoint }: AdminSettings) {
    const text = message.startsWith(`${code}: `) ? message.slice(code.length + 2) : message;
    super(`${text}${hintFor(code, endpoint)}`);
  }
}

function hintFor(code: PactError["code"], endpoint: string): string {
  switch (code) {
    case "UNAUTHENTICATED":
      return " (the token was not accepted: it may have ended)";
    case "PERMISSION_DENIED":
      return " (members are changed by platform admins)";
    case "UNAVAILABLE":
    case "DEADLINE":
      return ` (asked ${endpoint}: name another member with --endpoint)`;
    case "NO_LEADER":
    case "NO_QUORUM":
      return " (a majority of the voters must be up: see `pact-journal member list`)";
    default:
      return "";
  }
}

function parse({ operands, isForced }: AdminSettings): Command {
  const [operation = "", ...words] = operands;
  if (isForced && operation !== "remove") throw new ConfigError("--force goes with remove alone");
  switch (operation) {
    case "list":
      requireCount(words, 0, 0);
      return { change: undefined, next: [] };
    case "add":
      return parseAdd(words);
    case "promote":
      requireCount(words, 1, 1);
      return { change: { operation, id: idOf(words[0]) }, next: [] };
    case "remove":
      requireCount(words, 1, 1);
      return {
        change: { operation: isForced ? "force_remove" : "remove", id: idOf(words[0]) },
        next: [
          `Stop member ${words[0]} where it still runs; its data directory is of no use any more.`,
        ],
      };
    case "transfer":
      requireCount(words, 0, 1);
      return {
        change: { operation, id: words[0] === undefined ? 0n : idOf(words[0]) },
        next: [],
      };
    default:
      throw new ConfigError(
        `${
          operation === "" ? "member needs a command" : `unknown command 'member ${operation}'`
        }:\n${FORMS}`,
      );
  }
}

function parseAdd(words: readonly string[]): Command {
  requireCount(words, 2, 3);
  const [id, raft, api] = words;
  const raftAddress = addressOf(raft);
  const grpcAddress = api === undefined
    ? raftAddress.replace(/:[0-9]+$/, `:${API_PORT}`)
    : addressOf(api);
  return {
    change: { operation: "add_learner", id: idOf(id), raftAddress, grpcAddress },
    next: [
      `Start it with an empty data directory and --join, then: pact-journal member promote ${id}`,
    ],
  };
}

function requireCount(words: readonly string[], least: number, most: number): void {
  if (words.length >= least && words.length <= most) return;
  throw new ConfigError(`too ${words.length < least ? "few" : "many"} words:\n${FORMS}`);
}

function idOf(text: string | undefined): bigint {
  if (text !== undefined && /^[1-9][0-9]{0,9}$/.test(text)) return BigInt(text);
  throw new ConfigError(`'${text}' is not the id of a member, which is a number from 1`);
}

function addressOf(text: string | undefined): string {
  const parsed = AddressSchema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new ConfigError(`'${text}' is not HOST:PORT (an IPv6 address in brackets)`);
}

const HEADINGS = ["ID", "ROLE", "STATE", "RAFT", "API", "MATCH", "LAG", "LAST CONTACT"];

function tableOf({ members }: QuorumSummary, nowMs: number): string[] {
  const rows = members.map((member) => [
    String(member.id),
    member.role,
    member.isReachable ? "up" : "unreachable",
    member.raft || "-",
    member.api || "-",
    String(member.matchIndex ?? "-"),
    String(member.lag ?? "-"),
    member.lastContactMs === undefined ? "-" : agoText(nowMs - member.lastContactMs),
  ]);
  const widths = HEADINGS.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => row[column]?.length ?? 0))
  );
  return [HEADINGS, ...rows].map((row) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd()
  );
}

function agoText(ms: number): string {
  return `${Math.max(0, Math.floor(ms / 1000))} s ago`;
}
