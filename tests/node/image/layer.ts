import { basename, dirname, join } from "node:path";
import {
  buildInit,
  buildNamespaces,
  buildNss,
  buildProbe,
  buildShim,
  ShimBuildError,
} from "../../../ffi/build/mod.ts";
import { compileAll } from "../../../tools/compile/mod.ts";
import { repositoryRoot } from "../../support/mod.ts";
import { cached, contentKey } from "./cached.ts";
import { CODE_CACHE, warmCodeCache } from "./code_cache.ts";
import { run } from "./run.ts";

/** Name of the image of pact's own files in its directory. */
export const PACT_IMAGE = "pact.squashfs";

/** Where `deno task compile`'s result is installed. */
const PROGRAMS = "opt/pact/bin";
/** The programs that a node has. */
const ON_A_NODE = ["pact", "pact-agent"];
const LIBRARIES_ON_A_NODE = ["cli", "agent", "deno.json"];

/** What pact's files are made from. */
const SOURCES = [
  "agent",
  "api",
  "cli",
  "common",
  "contracts",
  "deploy",
  "ffi",
  "tests/node/image",
  "tools/compile",
  "deno.json",
  "deno.lock",
];

const ROOTFS = join(import.meta.dirname ?? ".", "files", "rootfs");

/** The directory with {@link PACT_IMAGE}: pact's executables, libraries and units. */
export async function pactLayer(cache: string, say: (progress: string) => void): Promise<string> {
  const probe = await probeIfAny();
  const key = contentKey(JSON.stringify(Deno.version), probe ?? "no probes", ...await sources());
  return await cached(cache, "pact", key, async (directory) => {
    say("pact's executables, with a warm code cache");
    const tree = join(directory, "tree");
    await fill(tree);
    if (probe !== undefined) await install(probe, join(tree, "usr/lib/pact/pact-probe"), 0o755);
    await warmCodeCache(tree);
    const unpacked = ["-noI", "-noD", "-noF", "-noX", "-no-xattrs"];
    const image = join(directory, PACT_IMAGE);
    await run("mksquashfs", [tree, image, "-all-root", "-quiet", "-no-progress", ...unpacked]);
    await Deno.remove(tree, { recursive: true });
  });
}

/** The kernel probes, where this machine can build them; a node does without. */
async function probeIfAny(): Promise<string | undefined> {
  try {
    return (await buildProbe()).path;
  } catch (error) {
    if (!(error instanceof ShimBuildError) || Deno.env.get("CI") === "true") throw error;
    return undefined;
  }
}

async function fill(tree: string): Promise<void> {
  for (const directory of ["etc/pact", "usr/lib/pact", "usr/local/bin", CODE_CACHE]) {
    await Deno.mkdir(join(tree, directory), { recursive: true });
  }
  await Deno.mkdir(join(tree, "var/lib"), { recursive: true });
  await Deno.mkdir(join(tree, "var/lib/pact"), { mode: 0o700 });
  await installPrograms(tree);
  for (const build of [buildShim, buildInit, buildNamespaces]) {
    const { path } = await build();
    await install(path, join(tree, "usr/lib/pact", basename(path)), 0o755);
  }
  const { path } = await buildNss();
  await install(path, join(tree, "usr/lib/x86_64-linux-gnu", basename(path)), 0o644);
  const units = join(tree, "etc/systemd/system");
  await install(
    `${repositoryRoot}deploy/systemd/pact-agent.service`,
    `${units}/pact-agent.service`,
  );
  await Deno.mkdir(`${units}/multi-user.target.wants`);
  await Deno.symlink(
    "../pact-agent.service",
    `${units}/multi-user.target.wants/pact-agent.service`,
  );
  await run("cp", ["-r", `${ROOTFS}/.`, tree]);
}

async function installPrograms(tree: string): Promise<void> {
  const { directory, form } = await compileAll(join(tree, PROGRAMS));
  await keepOnly(directory, [...ON_A_NODE, "lib"]);
  await keepOnly(join(directory, "lib"), form === "launcher" ? LIBRARIES_ON_A_NODE : []);
  if (form === "launcher") await install(Deno.execPath(), join(directory, "lib/deno"), 0o755);
  for (const name of ON_A_NODE) {
    await Deno.symlink(`/${PROGRAMS}/${name}`, join(tree, "usr/local/bin", name));
  }
  // Where pact-init looks for the agent.
  await Deno.symlink(`/${PROGRAMS}/pact-agent`, join(tree, "usr/lib/pact/pact-agent"));
}

async function keepOnly(directory: string, names: readonly string[]): Promise<void> {
  for await (const { name } of Deno.readDir(directory)) {
    if (!names.includes(name)) await Deno.remove(join(directory, name), { recursive: true });
  }
}

async function install(source: string, target: string, mode = 0o644): Promise<void> {
  await Deno.mkdir(dirname(target), { recursive: true });
  await Deno.copyFile(source, target);
  await Deno.chmod(target, mode);
}

/** Names and contents of {@link SOURCES}. */
async function sources(): Promise<(string | Uint8Array)[]> {
  const parts: (string | Uint8Array)[] = [];
  const paths = SOURCES.map((source) => join(repositoryRoot, source));
  // Directories are replaced by what is in them, so it ends with the last file.
  for (const path of paths) {
    const { isDirectory } = await Deno.stat(path);
    if (isDirectory) {
      const names = await Array.fromAsync(Deno.readDir(path), ({ name }) => name);
      paths.push(...names.sort().map((name) => join(path, name)));
    } else parts.push(basename(path), await Deno.readFile(path));
  }
  return parts;
}
