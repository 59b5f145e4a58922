/**
 * Tasks `test:real`, `test:e2e` and `test:node`: runs the files of tests that are named, or lie in the
 * folders that are named, several at once; `--lanes=N` says how many, twice the processors where it is
 * not given, and every other option goes to `deno test`. Exits 1 and names the files that failed.
 */
import { runInLanes, testFiles } from "./lanes/mod.ts";

const LANES = /^--lanes=([1-9][0-9]?)$/;

if (import.meta.main) {
  const root = new URL("../", import.meta.url).pathname;
  const paths = Deno.args.filter((word) => !word.startsWith("--"));
  const options = Deno.args.filter((word) => word.startsWith("--") && !LANES.test(word));
  const asked = Deno.args.map((word) => LANES.exec(word)?.[1]).find((number) =>
    number !== undefined
  );
  const lanes = Number(asked ?? 2 * navigator.hardwareConcurrency);
  const { failedFiles } = await runInLanes(await testFiles(paths), {
    lanes,
    options,
    root,
    say: (text) => console.log(text),
  });
  for (const file of failedFiles) console.log(`failed: ${file}`);
  if (failedFiles.length > 0) Deno.exit(1);
}
