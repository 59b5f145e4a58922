/**
 * Starts blocking operations, reads a file and prints how many milliseconds that took, 1000 at
 * most. Arguments: `calls` or `pipes`, how many, the probe library, a scratch directory.
 */

const [kind, count, library, scratch] = Deno.args;
const boundMs = 1_000;

if (kind === "calls") startNaps(library ?? "", Number(count));
else startPipeReads(scratch ?? "", Number(count));

const startMs = performance.now();
setTimeout(report, boundMs);
await Deno.readTextFile(import.meta.filename ?? "");
report();

function report(): void {
  console.log(Math.round(performance.now() - startMs));
  Deno.exit(0);
}

function startNaps(path: string, naps: number): void {
  const { symbols } = Deno.dlopen(path, {
    nap: { parameters: ["i32"], result: "i32", nonblocking: true },
  });
  for (let index = 0; index < naps; index++) symbols.nap(2 * boundMs);
}

function startPipeReads(dir: string, reads: number): void {
  for (let index = 0; index < reads; index++) {
    const path = `${dir}/pipe-${index}`;
    new Deno.Command("mkfifo", { args: [path] }).outputSync();
    // Opened for writing too, so that neither the open nor the read sees an end.
    Deno.openSync(path, { read: true, write: true }).read(new Uint8Array(1));
  }
}
