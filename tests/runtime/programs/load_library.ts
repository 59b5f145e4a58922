/** Loads the library named by the argument. Prints `loaded` or the name of the error. */

try {
  Deno.dlopen(Deno.args[0] ?? "", {}).close();
  console.log("loaded");
} catch (error) {
  console.log(error instanceof Error ? error.name : "unknown");
}
