/*
 * The tables of depmod(8) and modprobe.d(5): which module serves a device, and what it needs. Pure.
 */

import { matchesGlob } from "./glob.ts";

/** The texts of the tables; a missing one is empty. */
export interface ModuleTables {
  /** modules.alias */
  readonly aliases: string;
  /** modules.dep */
  readonly dependencies: string;
  /** modules.softdep */
  readonly softDependencies: string;
  /** modules.builtin */
  readonly builtin: string;
  /** Files of modprobe.d, in the order they count. */
  readonly configuration: readonly string[];
  /** The kernel's command line, by word. */
  readonly commandLine: readonly string[];
}

/** One module to load. */
export interface ModuleFile {
  readonly name: string;
  /** Below the directory of the kernel's modules. */
  readonly path: string;
  readonly parameters: string;
}

/** What is known of the modules of one kernel. */
export interface ModuleIndex {
  /** Names of the modules for a device, blacklisted ones left out. */
  modulesFor(modalias: string): readonly string[];
  /**
   * The module with everything it needs, in the order of loading, without what is built in; undefined
   * for a module that there is not.
   */
  chainOf(name: string): readonly ModuleFile[] | undefined;
}

/** As much of a pattern behind its bus as names vendor and device of a PCI one. */
const HEAD_CHARS = 19;
/** What keeps the head of a line from being the head of every device that it is for. */
const OPEN_HEAD = /[*?[\s-]/;

/** Deepest nesting of soft dependencies; beyond, they go in a circle. */
const MAX_DEPTH = 16;

interface AliasEntry {
  readonly pattern: string;
  readonly module: string;
}

interface SoftDependency {
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/** Reads the tables. Lines that cannot be understood are passed over, as modprobe(8) does. */
export function moduleIndex(tables: ModuleTables): ModuleIndex {
  const aliases = new Map<string, AliasEntry[]>();
  const soft = new Map<string, SoftDependency>();
  const blacklist = new Set<string>();
  const parameters = new Map<string, string[]>();
  /** Lines of aliases that were not wanted yet, by bus and head. */
  const unread = new Map<string, Map<string, number[]>>();
  const files = once(() => dependencyTable(tables.dependencies));
  const builtin = once(() => new Set(tables.builtin.trim().split("\n").map(moduleName)));

  const read = ([word = "", ...rest]: readonly string[]) => {
    const [first = "", ...others] = rest;
    if (word === "alias" && others[0] !== undefined) addAlias(aliases, first, others[0]);
    if (word === "blacklist") blacklist.add(plainName(first));
    // A module with an install command is never loaded as a file; `install X /bin/false` is a ban.
    if (word === "install") blacklist.add(plainName(first));
    if (word === "softdep") soft.set(plainName(first), softDependency(others));
    if (word === "options") addParameters(parameters, first, others);
  };
  for (const text of [tables.softDependencies, ...tables.configuration]) {
    linesOf(text).forEach(read);
  }
  for (const wildcard of ["*", "?", "["]) {
    for (const at of aliasesFrom(tables.aliases, wildcard)) read(aliasLine(tables.aliases, at));
  }

  /** The table of aliases is long, and a node has few kinds of devices: each is read when one comes. */
  const readAliasesLike = (wanted: string) => {
    const bus = /^[A-Za-z0-9]*/.exec(wanted)?.[0] ?? "";
    if (bus === "") return;
    const headChars = bus.length + HEAD_CHARS;
    let heads = unread.get(bus);
    if (heads === undefined) {
      heads = new Map();
      unread.set(bus, heads);
      for (const at of aliasesFrom(tables.aliases, bus)) {
        const head = tables.aliases.slice(at, at + headChars);
        const known = heads.get(head);
        if (OPEN_HEAD.test(head)) read(aliasLine(tables.aliases, at));
        else if (known === undefined) heads.set(head, [at]);
        else known.push(at);
      }
    }
    const head = wanted.slice(0, headChars);
    for (const at of heads.get(head) ?? []) read(aliasLine(tables.aliases, at));
    heads.delete(head);
  };

  for (const word of tables.commandLine) readCommandLineWord(word, blacklist, parameters);

  function chain(name: string, depth: number, found: Map<string, ModuleFile>): boolean {
    const file = files().get(plainName(name));
    if (file === undefined) return builtin().has(plainName(name));
    if (found.has(plainName(name)) || depth > MAX_DEPTH) return true;
    const { before = [], after = [] } = soft.get(plainName(name)) ?? {};
    for (const other of before) chain(other, depth + 1, found);
    // The table names the most basic one last.
    for (const path of needsOf(file).reverse()) chain(moduleName(path), depth + 1, found);
    const given = parameters.get(plainName(name))?.join(" ") ?? "";
    found.set(plainName(name), { name: plainName(name), path: file.path, parameters: given });
    for (const other of after) chain(other, depth + 1, found);
    return true;
  }

  return {
    modulesFor: (modalias) => {
      const wanted = normalise(modalias);
      readAliasesLike(wanted);
      const names = new Set<string>();
      for (let length = 0; length <= wanted.length; length++) {
        for (const { pattern, module } of aliases.get(wanted.slice(0, length)) ?? []) {
          if (!blacklist.has(module) && matchesGlob(pattern, wanted)) names.add(module);
        }
      }
      return [...names];
    },
    chainOf: (name) => {
      const found = new Map<string, ModuleFile>();
      return chain(name, 0, found) ? [...found.values()] : undefined;
    },
  };
}

/** The name of a module as the kernel has it: without folder and suffix, with underscores. */
export function moduleName(path: string): string {
  const file = path.slice(path.lastIndexOf("/") + 1);
  return plainName(file.replace(/\.ko(\.(?:xz|gz|zst))?$/, ""));
}

function plainName(name: string): string {
  return name.includes("-") ? name.replaceAll("-", "_") : name;
}

/** `-` and `_` are the same outside of brackets. */
function normalise(alias: string): string {
  if (!alias.includes("-")) return alias;
  return alias.replaceAll(/\[[^\]]*\]|-/g, (part) => part === "-" ? "_" : part);
}

function linesOf(text: string): string[][] {
  return text.replaceAll("\\\n", " ").split("\n").flatMap((line) => {
    const words = line.trim().split(/\s+/);
    return words[0] === "" || words[0]?.startsWith("#") === true ? [] : [words];
  });
}

/** Patterns by their literal beginning, so that a device is compared with few of them. */
function addAlias(aliases: Map<string, AliasEntry[]>, alias: string, module: string): void {
  const pattern = normalise(alias);
  const literal = /^[^*?[]*/.exec(pattern)?.[0] ?? "";
  const entries = aliases.get(literal);
  const entry = { pattern, module: plainName(module) };
  if (entries === undefined) aliases.set(literal, [entry]);
  else entries.push(entry);
}

const ALIAS = "alias ";

/** Where the patterns of a table of aliases are that begin with `beginning`. */
function aliasesFrom(text: string, beginning: string): number[] {
  const start = `${ALIAS}${beginning}`;
  const found: number[] = [];
  for (let at = text.indexOf(start); at >= 0; at = text.indexOf(start, at + 1)) {
    if (at === 0 || text[at - 1] === "\n") found.push(at + ALIAS.length);
  }
  return found;
}

/** The words of the line whose pattern is at `at`. */
function aliasLine(text: string, at: number): string[] {
  const end = text.indexOf("\n", at);
  return text.slice(at - ALIAS.length, end < 0 ? text.length : end).split(" ");
}

interface ModuleLine {
  readonly path: string;
  /** Paths of the modules that it needs, apart by spaces. */
  readonly needs: string;
}

function dependencyTable(text: string): Map<string, ModuleLine> {
  const files = new Map<string, ModuleLine>();
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    const path = line.slice(0, colon);
    files.set(moduleName(path), { path, needs: line.slice(colon + 1) });
  }
  return files;
}

function needsOf({ needs }: ModuleLine): string[] {
  return needs.split(" ").filter((path) => path !== "");
}

/** A value that is made when somebody first wants it. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

function softDependency(words: readonly string[]): SoftDependency {
  const lists = { "pre:": [] as string[], "post:": [] as string[] };
  let list: string[] | undefined;
  for (const word of words) {
    if (word === "pre:" || word === "post:") list = lists[word];
    else list?.push(word);
  }
  return { before: lists["pre:"], after: lists["post:"] };
}

function addParameters(
  parameters: Map<string, string[]>,
  module: string,
  words: readonly string[],
): void {
  const name = plainName(module);
  parameters.set(name, [...parameters.get(name) ?? [], ...words]);
}

/** `modprobe.blacklist=A,B` and `MODULE.PARAMETER=VALUE` (kernel-parameters). */
function readCommandLineWord(
  word: string,
  blacklist: Set<string>,
  parameters: Map<string, string[]>,
): void {
  const listed = /^(?:modprobe\.blacklist|module_blacklist)=(.*)$/.exec(word)?.[1];
  if (listed !== undefined) {
    for (const name of listed.split(",")) blacklist.add(plainName(name));
    return;
  }
  const [, module, parameter] = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+(?:=.*)?)$/.exec(word) ?? [];
  if (module !== undefined && parameter !== undefined) {
    addParameters(parameters, module, [parameter]);
  }
}
