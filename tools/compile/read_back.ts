import { dirname, isAbsolute, join } from "node:path";
import { z } from "zod";
import { type PermissionSet, readPermissionSets } from "./config.ts";
import { readElfSection } from "./elf.ts";

/** What each kind grants: everything, the listed, or nothing where the kind is missing. */
export type Grants = Readonly<Record<string, "everything" | readonly string[]>>;

/** The permissions that an executable runs with. */
export interface ReadBack {
  readonly form: "standalone" | "launcher";
  readonly grants: Grants;
  /** Whether it would ask a person for more. */
  readonly isPrompting: boolean;
}

/** Kinds whose lists name paths. */
const PATH_KINDS: ReadonlySet<string> = new Set(["read", "write", "run", "ffi"]);

/** A set of a configuration file, its relative paths taken from that file's folder. */
export function grantsOf(set: PermissionSet, folder: string): Grants {
  return Object.fromEntries(
    Object.entries(set).filter(([, granted]) => granted !== false).map(([kind, granted]) => [
      kind,
      granted === true ? "everything" : sorted(granted || [], kind, folder),
    ]),
  );
}

/**
 * Reads out of a compiled executable or a launcher what it may do. `ownFlags` are those that the launcher
 * is known to add, word for word; any other that widens the set is an error.
 *
 * @throws {Error} when it is neither, or has no permissions of its own.
 */
export async function readBack(path: string, ownFlags = ""): Promise<ReadBack> {
  const file = await Deno.readFile(path);
  const section = readElfSection(file, ".note.sui");
  return section === undefined
    ? await readLauncher(path, new TextDecoder().decode(file), ownFlags)
    : readStandalone(section);
}

const kindList = z.array(z.string()).nullable();

const MetadataSchema = z.object({
  permissions: z.looseObject({
    prompt: z.boolean(),
    allow_env: kindList,
    allow_ffi: kindList,
    allow_import: kindList,
    allow_net: kindList,
    allow_read: kindList,
    allow_run: kindList,
    allow_sys: kindList,
    allow_write: kindList,
  }),
});

const marker = new TextEncoder().encode("d3n0l4nd");

/** The section holds a marker, the length of the metadata as 64 bits, and the metadata as JSON. */
function readStandalone(section: Uint8Array): ReadBack {
  const at = lastOfRun(section, marker);
  if (at === undefined) throw new Error("the section has no metadata");
  const view = new DataView(section.buffer, section.byteOffset, section.byteLength);
  const length = Number(view.getBigUint64(at + marker.length, true));
  const start = at + marker.length + 8;
  const text = new TextDecoder().decode(section.subarray(start, start + length));
  const { permissions: { prompt, ...kinds } } = MetadataSchema.parse(JSON.parse(text));
  const grants = Object.entries(kinds).flatMap(([key, granted]) => {
    const kind = /^allow_(\w+)$/.exec(key)?.[1];
    const list = kindList.safeParse(granted);
    if (kind === undefined || !list.success || list.data === null) return [];
    return [[kind, list.data.length === 0 ? "everything" : list.data.toSorted()] as const];
  });
  return { form: "standalone", grants: Object.fromEntries(grants), isPrompting: prompt };
}

/** Where the last of several markers in a row begins. */
function lastOfRun(bytes: Uint8Array, pattern: Uint8Array): number | undefined {
  const isAt = (at: number) => pattern.every((byte, index) => bytes[at + index] === byte);
  for (let at = 0; at + pattern.length <= bytes.length; at++) {
    if (isAt(at) && !isAt(at + pattern.length)) return at;
  }
  return undefined;
}

async function readLauncher(path: string, text: string, ownFlags: string): Promise<ReadBack> {
  const [, options = ""] = /^exec (?:\$\{[^}]*\} )?"\$lib\/deno" run (.*) "\$@"$/m.exec(text) ?? [];
  const command = (ownFlags === "" ? options : options.replace(` ${ownFlags} `, " ")).split(" ");
  const name = command.find((word) => word.startsWith("-P="))?.slice(3);
  const isWidened = command.some((word) => /^(-A$|--allow-)/.test(word));
  if (!text.startsWith("#!/bin/sh\n") || name === undefined || isWidened) {
    throw new Error(`${path} is no launcher under a permission set`);
  }
  const lib = join(dirname(path), "lib");
  const set = (await readPermissionSets(join(lib, "deno.json")))[name];
  if (set === undefined) throw new Error(`${lib}/deno.json has no set '${name}'`);
  return {
    form: "launcher",
    grants: grantsOf(set, lib),
    isPrompting: !command.includes("--no-prompt"),
  };
}

function sorted(granted: readonly string[], kind: string, folder: string): string[] {
  return granted.map((name) =>
    PATH_KINDS.has(kind) && !isAbsolute(name) && !isProgramName(kind, name)
      ? join(folder, name)
      : name
  ).toSorted();
}

/** A program without a path is looked for in PATH when the executable starts. */
function isProgramName(kind: string, name: string): boolean {
  return kind === "run" && !name.includes("/");
}
