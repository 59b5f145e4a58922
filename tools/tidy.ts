/** `deno task tidy`: checks the repository against its own rules; exit 1 when one is broken. */
import { formatFinding, readTree, tidy } from "./tidy/mod.ts";

if (import.meta.main) {
  const root = new URL("..", import.meta.url).pathname.replace(/\/$/, "");
  const tree = await readTree(root);
  const findings = tidy(tree);
  for (const finding of findings) console.error(formatFinding(finding));
  if (findings.length > 0) Deno.exit(1);
  console.log(`tidy: ${tree.size} files`);
}
