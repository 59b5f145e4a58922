/**
 * Generates `api/gen/` from `api/proto/`: `deno task gen` rewrites the folder, `deno task gen
 * --check` lists the files that differ from what the schemas would give and fails when there are
 * any. Both lint the schemas first, by the rules in `api/buf.yaml`.
 *
 * buf and its TypeScript plugin are started through Deno itself at the versions pinned in
 * `deno.json`, so that nothing needs to be installed and, once they are cached, no network either.
 *
 * @module
 */

const repositoryRoot = new URL("../", import.meta.url);
const outputDir = new URL("api/gen/", repositoryRoot);
const cacheDir = new URL(".cache/buf/", repositoryRoot);
const scratchDir = new URL(".cache/gen/", repositoryRoot);

/** Relative path to content of every file below a folder; empty when the folder is not there. */
type FileTree = ReadonlyMap<string, string>;

/** The paths whose content differs, or that only one of the two trees has; sorted. */
function differingPaths(left: FileTree, right: FileTree): string[] {
  const paths = new Set([...left.keys(), ...right.keys()]);
  return [...paths].filter((path) => left.get(path) !== right.get(path)).sort();
}

async function readTree(dir: URL, prefix = ""): Promise<Map<string, string>> {
  const tree = new Map<string, string>();
  for await (const entry of entriesOf(dir)) {
    const path = prefix + entry.name;
    if (entry.isDirectory) {
      const below = await readTree(new URL(`${entry.name}/`, dir), `${path}/`);
      below.forEach((content, name) => tree.set(name, content));
    } else {
      tree.set(path, await Deno.readTextFile(new URL(entry.name, dir)));
    }
  }
  return tree;
}

async function* entriesOf(dir: URL): AsyncGenerator<Deno.DirEntry> {
  try {
    yield* Deno.readDir(dir);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** The pinned specifier, such as `npm:NAME@VERSION`, that deno.json maps the name to. */
async function pinned(name: string): Promise<string> {
  const config = JSON.parse(await Deno.readTextFile(new URL("deno.json", repositoryRoot)));
  const specifier: unknown = config.imports?.[name];
  if (typeof specifier !== "string") {
    throw new Error(`deno.json has no import "${name}": add it, pinned to one version`);
  }
  return specifier;
}

async function runBuf(...args: string[]): Promise<void> {
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", await pinned("@bufbuild/buf"), ...args],
    cwd: repositoryRoot,
    // buf keeps what it resolves below the home directory otherwise.
    env: { BUF_CACHE_DIR: cacheDir.pathname },
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn().status;
  if (code !== 0) throw new Error(`buf ${args[0]} ended with status ${code}; see its output above`);
}

async function generate(): Promise<Map<string, string>> {
  const plugin = await pinned("@bufbuild/protoc-gen-es");
  const template = {
    version: "v2",
    plugins: [{
      local: [Deno.execPath(), "run", "-A", "--quiet", plugin],
      out: ".",
      opt: ["target=ts", "import_extension=ts"],
    }],
  };
  await Deno.remove(scratchDir, { recursive: true }).catch(() => {});
  await Deno.mkdir(scratchDir, { recursive: true });
  try {
    const args = ["--template", JSON.stringify(template), "--output", ".cache/gen"];
    await runBuf("generate", "api", ...args);
    const files = await readTree(scratchDir);
    return new Map([...files].map(([path, content]) => [path, withOwnDescriptors(path, content)]));
  } finally {
    await Deno.remove(scratchDir, { recursive: true });
  }
}

/** What is generated describes its messages by `api/descriptors/`, not by the package's functions. */
function withOwnDescriptors(path: string, content: string): string {
  const api = "../".repeat(path.split("/").length);
  return content
    .replaceAll(
      /^(import \{[^}]*\} from )"@bufbuild\/protobuf\/codegenv2";$/gm,
      `$1"${api}descriptors/mod.ts";`,
    )
    .replaceAll(
      /^(import \{[^}]*\} from )"@bufbuild\/protobuf\/wkt";$/gm,
      `$1"${api}well_known/mod.ts";`,
    );
}

async function replaceOutput(files: FileTree): Promise<void> {
  await Deno.remove(outputDir, { recursive: true }).catch(() => {});
  for (const [path, content] of files) {
    await Deno.mkdir(new URL(".", new URL(path, outputDir)), { recursive: true });
    await Deno.writeTextFile(new URL(path, outputDir), content);
  }
}

async function main(args: readonly string[]): Promise<number> {
  const unknown = args.find((arg) => arg !== "--check");
  if (unknown !== undefined) {
    console.error(`gen: unknown argument "${unknown}"; the only one is --check`);
    return 2;
  }
  await runBuf("lint", "api");
  const files = await generate();
  const changed = differingPaths(await readTree(outputDir), files);
  if (args.length === 0) {
    await replaceOutput(files);
    console.log(`gen: ${files.size} files, ${changed.length} changed`);
    return 0;
  }
  for (const path of changed) console.error(`api/gen/${path} is not what api/proto gives`);
  if (changed.length > 0) console.error("run: deno task gen");
  return changed.length > 0 ? 1 : 0;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
