import { type Replay, replay } from "./replay.ts";

const MAX_SCRIPTS = 10_000;

/** Replays all scripts below a folder, in the order of their paths. */
export async function replayFolder(folder: string): Promise<Replay[]> {
  const paths = await scriptsBelow(folder);
  const replays: Replay[] = [];
  for (const path of paths) replays.push(replay(path, await Deno.readTextFile(path)));
  return replays;
}

async function scriptsBelow(folder: string): Promise<string[]> {
  const paths: string[] = [];
  const folders = [folder.replace(/\/+$/, "") || "/"];
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    for await (const { name, isDirectory } of Deno.readDir(next)) {
      const path = `${next === "/" ? "" : next}/${name}`;
      // A link may name a script; links to folders could lead in circles.
      if (isDirectory) folders.push(path);
      else if (name.endsWith(".txt") && (await Deno.stat(path)).isFile) paths.push(path);
      if (paths.length > MAX_SCRIPTS) throw new Error(`more than ${MAX_SCRIPTS} scripts`);
    }
  }
  return paths.sort();
}
