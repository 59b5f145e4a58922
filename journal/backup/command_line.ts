/** `pact-journal backup`, `verify` and `restore` (JRN-68). */
import { dirname, join } from "node:path";
import { z } from "zod";
import { BackupError, verifyBackup } from "../../common/backup/mod.ts";
import { ConfigError, switchSetting, textSetting } from "../../common/config/mod.ts";
import { reportLines } from "../../common/verify/mod.ts";
import { type ConfigInputs, JOURNAL_SETTINGS, loadSome } from "../config/mod.ts";
import { SCHEMA_VERSION } from "../store/mod.ts";
import { makeBackup } from "./make_backup.ts";
import { restoreBackup } from "./restore_backup.ts";

const { config, dataDir } = JOURNAL_SETTINGS;
const path = z.string().min(1).max(4096).optional();
const BACKUP_OPTIONS = { config, dataDir, out: textSetting({ flag: "out" }, path) };
const VERIFY_OPTIONS = { config, ca: textSetting({ flag: "ca" }, path) };
const RESTORE_OPTIONS = {
  config,
  dataDir,
  isForced: switchSetting({ flag: "force-new-cluster" }, false),
};

/** Standard input or output in the place of a file. */
const STANDARD = "-";

type BackupCommand = (inputs: ConfigInputs, now: Date) => Promise<readonly string[]>;

/** The commands by name; each resolves to what it has to say. */
export const BACKUP_COMMANDS: ReadonlyMap<string, BackupCommand> = new Map([
  ["backup", backup],
  ["verify", verify],
  ["restore", restore],
]);

async function backup(inputs: ConfigInputs, now: Date): Promise<readonly string[]> {
  const { values, operands } = loadSome(BACKUP_OPTIONS, inputs);
  refuseOperands(operands);
  if (values.out === STANDARD) {
    if (Deno.stdout.isTerminal()) throw new ConfigError("a backup is no text for a terminal");
    await makeBackup(values.dataDir, Deno.stdout.writable, now);
    return [];
  }
  const file = values.out ?? defaultFile(values.dataDir, now);
  const { entries, last_index, sha256 } = await withPermission(
    file,
    `leave --out away, the backup is then written below ${values.dataDir}/backups; or let the shell ` +
      "open the file: --out - > FILE",
    () => makeBackupFile(values.dataDir, file, now),
  );
  return [
    `Backup:  ${file}`,
    `Entries: ${entries}, at index ${last_index} of the Raft log`,
    `SHA-256: ${sha256} (of the snapshot in it)`,
  ];
}

function defaultFile(dataDir: string, now: Date): string {
  const moment = now.toISOString().replaceAll(/[-:]|\.[0-9]+/g, "");
  return join(dataDir, "backups", `pact-journal-${moment}.tar.gz`);
}

/** Written under another name first: half a backup never looks like one. */
async function makeBackupFile(dataDir: string, file: string, now: Date) {
  refuseExisting(file);
  const directory = dirname(file);
  if (directory === join(dataDir, "backups")) {
    Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
  }
  const unfinished = `${file}.part`;
  try {
    const part = await Deno.open(unfinished, {
      write: true,
      create: true,
      truncate: true,
      mode: 0o600,
    });
    const metadata = await withPermission(
      dataDir,
      "a backup is made of a data directory that the journal may use",
      () => makeBackup(dataDir, part.writable, now),
    );
    syncPath(unfinished);
    Deno.renameSync(unfinished, file);
    syncPath(directory);
    return metadata;
  } catch (error) {
    try {
      Deno.removeSync(unfinished);
    } catch {
      // It was never made, or may not be: the first error says why.
    }
    throw error;
  }
}

async function verify(inputs: ConfigInputs): Promise<readonly string[]> {
  const { values, operands } = loadSome(VERIFY_OPTIONS, inputs);
  const file = onlyFile("verify", operands);
  const trustedPem = values.ca === undefined ? undefined : Deno.readTextFileSync(values.ca);
  const options = { trustedPem, schemaVersion: SCHEMA_VERSION };
  const { metadata, log } = await named(
    file,
    async () => await verifyBackup(await openBackup(file), options),
  );
  if (log.finding !== undefined) throw new BackupError(`${file}: ${log.finding.detail}`);
  if (trustedPem !== undefined && log.entries > 0 && log.trustedThrough === undefined) {
    throw new BackupError(`${file}: no signature in it leads to a CA in ${values.ca}`);
  }
  return [
    `Backup of cluster ${metadata.cluster_id ?? "(none)"}, made at ${metadata.created_at}`,
    `Log index:  ${metadata.last_index}, term ${metadata.last_term}`,
    ...reportLines(log),
  ];
}

async function restore(inputs: ConfigInputs): Promise<readonly string[]> {
  const { values, operands } = loadSome(RESTORE_OPTIONS, inputs);
  const file = onlyFile("restore", operands);
  if (!values.isForced) {
    throw new ConfigError(
      "a restored state begins a new cluster, which no member of the former one may join: " +
        "say so with --force-new-cluster",
    );
  }
  const { log } = await named(
    file,
    async () =>
      await withPermission(
        values.dataDir,
        "restore below it and move the directory",
        async () => await restoreBackup(await openBackup(file), values.dataDir),
      ),
  );
  return [
    ...reportLines(log),
    `Restored into ${values.dataDir}. Start one member on it with --bootstrap, the others empty.`,
  ];
}

function refuseOperands(operands: readonly string[]): void {
  if (operands.length > 0) {
    throw new ConfigError(`unexpected argument '${operands[0]}': see --help`);
  }
}

function onlyFile(command: string, operands: readonly string[]): string {
  const [file, ...others] = operands;
  if (file === undefined) {
    throw new ConfigError(`${command} needs the backup's FILE, or - for stdin`);
  }
  refuseOperands(others);
  return file;
}

async function openBackup(file: string): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  if (file === STANDARD) return Deno.stdin.readable;
  return await withPermission(
    file,
    "let the shell open the file: - < FILE",
    async () => (await Deno.open(file, { read: true })).readable,
  );
}

/** Runs `work`; what is wrong with the backup is said of its file. */
async function named<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    throw new BackupError(`${file === STANDARD ? "standard input" : file}: ${error.message}`, {
      cause: error,
    });
  }
}

async function withPermission<T>(path: string, remedy: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
    throw new ConfigError(`${path} is outside of what this program may open: ${remedy}`);
  }
}

function refuseExisting(file: string): void {
  try {
    Deno.lstatSync(file);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  throw new ConfigError(`${file} exists already: a backup overwrites nothing`);
}

function syncPath(path: string): void {
  using file = Deno.openSync(path, { read: true });
  file.syncSync();
}
