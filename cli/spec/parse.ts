import { createHash } from "node:crypto";
import { type ConfigPosition, nearestName, parseToml } from "../../common/config/mod.ts";
import type { JsonValue } from "../../common/json/mod.ts";
import {
  MAX_FILE_CONTENT_BYTES,
  type PolicySettings,
  type StateDelta,
  VClusterIdSchema,
} from "../../common/model/mod.ts";
import { checkVCluster } from "./check.ts";
import { deltaOf, type ResolvedContent } from "./delta_of.ts";
import { type Report, specFailure, type SpecProblem } from "./problems.ts";
import { locateSpecKey } from "./position.ts";
import type { VClusterSpec } from "./schema.ts";

/** What one vCluster's table of a spec asks for. */
export interface VClusterChanges {
  readonly vcluster: string;
  /** Changes for a Commit entry, in document form (CLI-72). */
  readonly delta: StateDelta;
  /** Policy settings for UpdatePolicy; undefined when the spec names none. */
  readonly policy: Partial<PolicySettings> | undefined;
}

/** How a spec's `content_file` is read: at most `maxBytes` of the file the spec names. */
export type ReadContent = (path: string, maxBytes: number) => Promise<Uint8Array>;

/**
 * Reads an apply-spec (cli.md 6.1): TOML in, checked changes per vCluster out, in the order of the
 * text. Every unknown section or key and every wrong value is reported with its line, all at once,
 * and then nothing of the spec is used (CLI-71).
 *
 * @throws {ConfigError} for text that is no TOML, with line and column.
 * @throws {Failure} listing what is wrong.
 */
export async function parseSpec(
  text: string,
  file: string,
  readContent: ReadContent,
): Promise<VClusterChanges[]> {
  const toml = parseToml(text, file);
  const problems: SpecProblem[] = [];
  const report = (path: readonly string[], message: string) => {
    problems.push({ position: locateSpecKey(text, path, file), message });
  };

  for (const key of Object.keys(toml)) {
    if (key === "vcluster") continue;
    const hint = nearestName(key, ["vcluster"]) === undefined
      ? "a spec holds [vcluster.NAME] tables"
      : "did you mean vcluster?";
    report([key], `unknown section ${key}: ${hint}`);
  }
  const changes: VClusterChanges[] = [];
  for (const [vcluster, table] of vclusterTables(toml["vcluster"], report)) {
    const checked = checkVCluster(["vcluster", vcluster], table, report);
    if (checked === undefined) continue;
    const contents = await resolveContents(vcluster, checked.spec, readContent, report);
    changes.push({
      vcluster,
      delta: deltaOf(checked, contents),
      policy: checked.policy,
    });
  }
  if (problems.length > 0) throw specFailure(inTextOrder(problems));
  return changes;
}

function vclusterTables(value: JsonValue | undefined, report: Report): [string, JsonValue][] {
  if (value === undefined) return [];
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    report(["vcluster"], "vcluster must be a table of tables: [vcluster.NAME]");
    return [];
  }
  const tables: [string, JsonValue][] = [];
  for (const [vcluster, table] of Object.entries(value)) {
    const id = VClusterIdSchema.safeParse(vcluster);
    if (id.success && table !== undefined) tables.push([vcluster, table]);
    else {
      report(
        ["vcluster", vcluster],
        `${vcluster}: a vCluster name starts with a letter or digit and holds at most 63 letters, ` +
          "digits, _ and -",
      );
    }
  }
  return tables;
}

async function resolveContents(
  vcluster: string,
  spec: VClusterSpec,
  readContent: ReadContent,
  report: Report,
): Promise<Map<string, ResolvedContent>> {
  const contents = new Map<string, ResolvedContent>();
  for (const [path, file] of Object.entries(spec.files ?? {})) {
    const where = ["vcluster", vcluster, "files", path];
    if (!path.startsWith("/")) report(where, `${path}: a managed file needs an absolute path`);
    if (file.content_hash !== undefined) {
      contents.set(path, { content_hash: file.content_hash });
    } else if (file.content !== undefined) {
      addContent(path, new TextEncoder().encode(file.content), where);
    } else if (file.content_file !== undefined) {
      try {
        addContent(path, await readContent(file.content_file, MAX_FILE_CONTENT_BYTES), where);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        report([...where, "content_file"], `cannot read ${file.content_file}: ${reason}`);
      }
    }
  }
  return contents;

  function addContent(path: string, bytes: Uint8Array, where: readonly string[]): void {
    if (bytes.length > MAX_FILE_CONTENT_BYTES) {
      report(where, `${path}: content is larger than ${MAX_FILE_CONTENT_BYTES} bytes`);
      return;
    }
    contents.set(path, {
      content_hash: createHash("sha256").update(bytes).digest("hex"),
      content_b64: bytes.toBase64(),
    });
  }
}

function inTextOrder(problems: readonly SpecProblem[]): SpecProblem[] {
  const key = ({ line = 0, column = 0 }: ConfigPosition) => line * 1_000_000 + column;
  return [...problems].sort((left, right) => key(left.position) - key(right.position));
}
