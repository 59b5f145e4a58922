/** Reads each file named by an argument. Prints `read` or the name of the error, a line each. */

for (const path of Deno.args) {
  try {
    Deno.readTextFileSync(path);
    console.log("read");
  } catch (error) {
    console.log(error instanceof Error ? error.name : "unknown");
  }
}
