import {
  BundleError,
  type PolicyBundle,
  readBundle,
  readBundleFrom,
} from "../../common/rego/mod.ts";
import { CompiledPolicy } from "../../common/rego_wasm/mod.ts";
import { usageFailure } from "../failure/mod.ts";

/** Where the base package of pact's rules is installed. */
const INSTALLED_BASE = "/etc/pact/policies/pact";

const AUTHZ = "pact.authz";
const VCLUSTERS = "pact.vcluster";

/** Most files of rules, and most characters of one that are looked at for its package. */
const MAX_FILES = 10_000;
const MAX_CHARS = 1024 * 1024;

/**
 * Loads rules: a bundle of `opa build -t wasm`, a `.wasm` of it, or Rego, which the program `opa` of
 * this machine compiles. `data` is what they may read beside the data of the bundle.
 *
 * @throws {Failure} exit 1 naming the file when they cannot be used.
 */
export async function loadRules(paths: readonly string[], data: object): Promise<CompiledPolicy> {
  try {
    const bundle = await bundleOf(paths);
    const policy = await CompiledPolicy.load(bundle.wasm);
    policy.setData({ ...bundle.data, ...data });
    return policy;
  } catch (error) {
    if (error instanceof BundleError || error instanceof Deno.errors.NotFound) {
      throw usageFailure(error.message);
    }
    if (error instanceof Error && error.name !== "Failure") {
      throw usageFailure(`${paths.join(" ")}: ${error.message}`);
    }
    throw error;
  }
}

async function bundleOf(paths: readonly string[]): Promise<PolicyBundle> {
  const [path = ""] = paths;
  if (paths.length === 1 && path.endsWith(".tar.gz")) return await readBundle(path);
  if (paths.length === 1 && path.endsWith(".wasm")) {
    return { wasm: new Uint8Array(await Deno.readFile(path)), data: {} };
  }
  return await compile(paths);
}

/** Compiles Rego with `opa`, the installed base added where the sources have none. */
async function compile(given: readonly string[]): Promise<PolicyBundle> {
  const packages = await packagesOf(given);
  const sources = [...given];
  if (!packages.has(AUTHZ)) {
    if (!await exists(INSTALLED_BASE)) {
      throw usageFailure(
        `the rules have no package ${AUTHZ}, and there is no ${INSTALLED_BASE}`,
        "name the folder with the base package, too: pact policy test NEW.rego policies/pact",
      );
    }
    sources.push(INSTALLED_BASE);
  }
  const hasVclusters = [...packages].some((name) => name.startsWith(`${VCLUSTERS}.`));
  const entrypoints = [AUTHZ, ...(hasVclusters ? [VCLUSTERS] : [])]
    .map((name) => `--entrypoint=${name.replace(".", "/")}`);
  const args = ["build", "--target=wasm", "--ignore=*_test.rego", "--output=/dev/stdout"];
  const built = await runOpa([...args, ...entrypoints, ...sources]);
  return await readBundleFrom(new Blob([built]).stream());
}

async function runOpa(args: readonly string[]): Promise<Uint8Array<ArrayBuffer>> {
  let output: Deno.CommandOutput;
  try {
    output = await new Deno.Command("opa", { args: [...args], stdin: "null" }).output();
  } catch (error) {
    // A program that was not there at the start cannot be permitted by its name either.
    const { NotCapable, NotFound } = Deno.errors;
    if (!(error instanceof NotFound || error instanceof NotCapable)) throw error;
    throw usageFailure(
      "the program opa is not installed, which compiles Rego",
      "compile it elsewhere and give the bundle: opa build -t wasm -e pact/authz -o rules.tar.gz ...",
    );
  }
  if (output.success) return new Uint8Array(output.stdout);
  const decoder = new TextDecoder();
  // It complains on either stream, depending on what about.
  const said = `${decoder.decode(output.stdout)}${decoder.decode(output.stderr)}`.trim();
  throw usageFailure(`opa cannot compile the rules: ${said.slice(0, 2000)}`);
}

/** The packages of all Rego below the given paths, tests left out. */
async function packagesOf(paths: readonly string[]): Promise<Set<string>> {
  const packages = new Set<string>();
  let files = 0;
  for (const path of paths) {
    for await (const file of regoFiles(path)) {
      if (++files > MAX_FILES) throw usageFailure(`more than ${MAX_FILES} files of rules`);
      const text = (await Deno.readTextFile(file)).slice(0, MAX_CHARS);
      const name = /^package\s+([\w.]+)/m.exec(text)?.[1];
      if (name !== undefined) packages.add(name);
    }
  }
  return packages;
}

async function* regoFiles(path: string): AsyncGenerator<string> {
  if (!(await Deno.stat(path)).isDirectory) {
    yield path;
    return;
  }
  for await (const { name, isDirectory } of Deno.readDir(path)) {
    const inner = `${path}/${name}`;
    if (isDirectory) yield* regoFiles(inner);
    else if (name.endsWith(".rego") && !name.endsWith("_test.rego")) yield inner;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch {
    return false;
  }
}
