import { BackupError } from "../../common/backup/mod.ts";
import type { JsonValue } from "../../common/json/mod.ts";
import {
  type LogReport,
  type NotedEntry,
  reportJson,
  reportLines,
} from "../../common/verify/mod.ts";
import { codedFailure, EXIT, type Failure, usageFailure } from "../failure/mod.ts";
import { plural, printable, startProgress } from "../output/mod.ts";
import { Session } from "../session/mod.ts";
import { type LogFileReport, verifyJournalLog, verifyLogFile } from "../verify/mod.ts";
import type { CommandContext } from "./action.ts";

/** What to verify, and against what. */
export interface VerifyOptions {
  /** A file or an endpoint; by default the journal that is configured. */
  readonly target: string | undefined;
  readonly noted: NotedEntry | undefined;
}

/** `pact audit verify`: exit 0 for a log that nobody changed, 99 for one that somebody did. */
export async function verifyLog(
  context: CommandContext,
  { target, noted }: VerifyOptions,
): Promise<number> {
  const isFile = target !== undefined && !/^https?:\/\//.test(target) &&
    (await isPresent(target) || !/^[^/]+:[0-9]+$/.test(target));
  if (!isFile) return await conclude(context, await ofJournal(context, target, noted), {});
  const { log, backup } = await ofFile(context, target, noted);
  const about = backup === undefined ? {} : { backup: { ...backup } };
  return await conclude(context, log, about, trustFailure(context, log));
}

async function ofJournal(
  context: CommandContext,
  endpoint: string | undefined,
  noted: NotedEntry | undefined,
) {
  const { host, settings, signal } = context;
  const session = endpoint === undefined
    ? context.session
    : new Session(host, { ...settings, endpoints: [endpoint] }, signal);
  try {
    const timeoutMs = settings.timeoutSeconds * 1000;
    return await withProgress(
      context,
      async (onProgress) =>
        await verifyJournalLog(await session.journal(), {
          timeoutMs,
          onProgress,
          noted,
          trustedPem: await session.trustedPem(),
        }),
    );
  } finally {
    if (session !== context.session) session.close();
  }
}

async function ofFile(
  context: CommandContext,
  path: string,
  noted: NotedEntry | undefined,
): Promise<LogFileReport> {
  const trustedPem = await context.session.trustedPem();
  const file = await open(path);
  try {
    return await withProgress(
      context,
      (onProgress) => verifyLogFile(file.readable, { trustedPem, noted, onProgress }),
    );
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    throw codedFailure("DATA_CORRUPT", `${path}: ${error.message}`);
  }
}

async function open(path: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path, { read: true });
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound
      ? "there is no such file, and it is no endpoint"
      : error instanceof Error
      ? error.message
      : String(error);
    throw usageFailure(`cannot read ${path}: ${reason}`);
  }
}

async function isPresent(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch {
    return false;
  }
}

async function withProgress<T>(
  { host }: CommandContext,
  work: (onProgress: (entries: number) => void) => Promise<T>,
): Promise<T> {
  let verified = 0;
  const what = () => `verifying the log, ${plural(verified, "entry").replace("entrys", "entries")}`;
  const progress = startProgress(host.stderr, host.clock, what);
  try {
    return await work((entries) => verified = entries);
  } finally {
    await progress.stop();
  }
}

/** Who names a CA for a file asks for proof by it: a file can be replaced as a whole. */
function trustFailure(
  { flags }: CommandContext,
  { entries, finding, trustedThrough }: LogReport,
): Failure | undefined {
  const ca = flags["ca"];
  if (ca === undefined || entries === 0 || finding !== undefined || trustedThrough !== undefined) {
    return undefined;
  }
  return codedFailure(
    "DATA_CORRUPT",
    `no signature in it leads to a CA in ${ca}`,
    "its hashes fit, but whoever replaced all of it could have made them so",
  );
}

async function conclude(
  { out }: CommandContext,
  log: LogReport,
  about: { readonly [key: string]: JsonValue },
  untrusted?: Failure,
): Promise<number> {
  await out.result(reportLines(log).map(printable), { ...about, ...reportJson(log) });
  if (log.finding !== undefined) {
    const signed = log.signedThrough === undefined
      ? []
      : [`the entries up to ${log.signedThrough} are what was signed`];
    throw codedFailure("DATA_CORRUPT", log.finding.detail, ...signed);
  }
  if (untrusted !== undefined) throw untrusted;
  return EXIT.ok;
}
