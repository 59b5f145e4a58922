/**
 * `deno task raft:conformance DIR`: replays every data-driven script below DIR and prints what the
 * Raft core says differently; exit 1 when a script fails or there is none, 2 for wrong use.
 */
import { replayFolder } from "../tests/conformance/mod.ts";

async function main(args: readonly string[]): Promise<number> {
  const [folder, ...more] = args;
  if (folder === undefined || more.length > 0) {
    console.error("usage: deno task raft:conformance DIR");
    return 2;
  }
  const isFolder = await Deno.stat(folder).then(({ isDirectory }) => isDirectory, () => false);
  if (!isFolder) {
    console.error(`${folder} is no folder that can be read`);
    return 2;
  }
  const replays = await replayFolder(folder);
  for (const { divergences } of replays) for (const text of divergences) console.log(`${text}\n`);
  const failed = replays.filter(({ divergences }) => divergences.length > 0).length;
  if (replays.length === 0) console.error(`no .txt file below ${folder}`);
  console.log(`${replays.length - failed} passed, ${failed} failed`);
  return failed > 0 || replays.length === 0 ? 1 : 0;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
