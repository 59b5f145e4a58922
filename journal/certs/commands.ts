/** The commands that make certificates: what they are given on the command line, what they answer. */
import { parseArgs } from "node:util";
import { ConfigError } from "../../common/config/mod.ts";
import { initCa } from "./init_ca.ts";
import { issueMember } from "./issue_member.ts";

/** Where the permission set lets certificates be written. */
const STATE_DIRECTORY = "/var/lib/pact/journal";
const DEFAULT_CA_DIRECTORY = `${STATE_DIRECTORY}/ca`;
const DEFAULT_DAYS = 365;
const MAX_DAYS = 3650;

/** Runs on the words behind its name and answers with the text to print. */
export type CertificateCommand = (args: readonly string[], now: Date) => Promise<string>;

/** By name. Each throws ConfigError for words that it does not understand. */
export const certificateCommands: ReadonlyMap<string, CertificateCommand> = new Map([
  ["init-ca", makeCa],
  ["issue-member", makeMember],
]);

async function makeCa(args: readonly string[], now: Date): Promise<string> {
  const { out } = parse("init-ca", args, { out: { type: "string" } });
  const directory = out ?? DEFAULT_CA_DIRECTORY;
  const { certPath, keyPath } = await withinPermissions(directory, () => initCa(directory, now));
  return `CA certificate: ${certPath}\nCA key:         ${keyPath} (mode 0600, keep it here)`;
}

async function makeMember(args: readonly string[], now: Date): Promise<string> {
  const values = parse("issue-member", args, {
    "ca-dir": { type: "string" },
    id: { type: "string" },
    host: { type: "string", multiple: true },
    domain: { type: "string" },
    days: { type: "string" },
    out: { type: "string" },
  });
  const memberId = wholeNumber("issue-member", "--id", values.id, 0xffff_ffff);
  const hosts = values.host ?? [];
  if (hosts.length === 0) {
    throw new ConfigError("issue-member needs --host, the name or address that others dial");
  }
  const out = values.out ?? `${STATE_DIRECTORY}/members/${memberId}`;
  const files = await withinPermissions(out, () =>
    issueMember({
      caDirectory: values["ca-dir"] ?? DEFAULT_CA_DIRECTORY,
      memberId,
      hosts,
      domainId: values.domain ?? "default",
      validDays: wholeNumber("issue-member", "--days", values.days ?? `${DEFAULT_DAYS}`, MAX_DAYS),
      out,
      now,
    }));
  return [
    `certificate: ${files.certPath}`,
    `key:         ${files.keyPath} (mode 0600, for member ${memberId} alone)`,
    `CA:          ${files.caPath}`,
  ].join("\n");
}

type OptionTypes = NonNullable<Parameters<typeof parseArgs>[0]>["options"];

function parse<const T extends NonNullable<OptionTypes>>(
  command: string,
  args: readonly string[],
  options: T,
) {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new ConfigError(`${command}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function wholeNumber(command: string, flag: string, text: string | undefined, max: number): number {
  const value = Number(text);
  if (text !== undefined && /^[1-9]\d*$/.test(text) && value <= max) return value;
  throw new ConfigError(`${command} needs ${flag}, a whole number from 1 to ${max}`);
}

async function withinPermissions<T>(directory: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
    throw new ConfigError(
      `${directory} is outside of what this program may read and write: leave the option away, use ` +
        `${STATE_DIRECTORY}, and move the files`,
    );
  }
}
